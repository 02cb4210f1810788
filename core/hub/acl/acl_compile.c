/* SPDX-License-Identifier: Apache-2.0 */
/* acl_compile.c - from rules to an acl; see acl.h. */

#include "core/hub/acl/acl_priv.h"
#include "core/net/ip.h"

#include <stdlib.h>

/* ---- one rule ---- */

static bool
is_set(const char *text)
{
    return text && text[0] != '\0';
}

static uint16_t
kinds_of(const struct acl_rule *r)
{
    bool has_address = acl_side_has_address(&r->src) || acl_side_has_address(&r->dst);
    bool has_set = is_set(r->src.set) || is_set(r->dst.set);
    bool has_ports = acl_side_has_ports(&r->src) || acl_side_has_ports(&r->dst);
    unsigned kinds = r->is_ip6 ? KINDS_IP6 : KINDS_IP4;

    if (acl_rule_is_for_all(r))
        kinds = 1u << KIND_OTHER | KINDS_IP4 | KINDS_IP6;
    else if (has_set && !has_address)
        kinds = KINDS_IP4 | KINDS_IP6;
    if (has_ports)
        kinds &= KINDS_PORTS;
    if (r->check_tcp_state)
        kinds &= KINDS_TCP & (r->established ? ~KINDS_OPENING : KINDS_OPENING);
    if (kinds & 1u << KIND_IP4 && r->protocol == 0)
        kinds |= 1u << KIND_ARP;
    return (uint16_t)kinds;
}

static void
put_bytes(struct acl_match *m, unsigned at, const uint8_t *value, const uint8_t *mask, unsigned n)
{
    uint8_t *values = (uint8_t *)m->value;
    uint8_t *masks = (uint8_t *)m->mask;

    for (unsigned i = 0; i < n; i++) {
        masks[at + i] = mask[i];
        values[at + i] = value[i] & mask[i];
    }
}

static struct acl_port_range
ports_of(const struct acl_side *s)
{
    if (!acl_side_has_ports(s))
        return (struct acl_port_range){0, UINT16_MAX};
    return (struct acl_port_range){s->first_port, s->last_port};
}

/* NULL: it is not there. */
static const struct acl_ranges *
find_ranges(const struct acl *a, const char *name)
{
    for (unsigned i = 0; i < a->n_ranges; i++)
        if (g_ascii_strcasecmp(a->ranges[i].name, name) == 0)
            return &a->ranges[i];
    return NULL;
}

/* A rule of a set that is not there matches nothing. */
static const struct acl_ranges *
take_set(const struct acl *a, const char *name, struct acl_match *m)
{
    const struct acl_ranges *r = is_set(name) ? find_ranges(a, name) : NULL;

    if (is_set(name) && !r)
        m->kinds = 0;
    return r;
}

static void
take_rule(struct acl *a, const struct acl_rule *r, struct acl_match *m)
{
    static const uint8_t whole = 0xff;

    m->kinds = kinds_of(r);
    m->discard = r->discard;
    put_bytes(m, KEY_SRC_IP, r->src.ip, r->src.mask, 16);
    put_bytes(m, KEY_DST_IP, r->dst.ip, r->dst.mask, 16);
    if (r->src.check_mac)
        put_bytes(m, KEY_SRC_MAC, r->src.mac.b, r->src.mac_mask.b, 6);
    if (r->dst.check_mac)
        put_bytes(m, KEY_DST_MAC, r->dst.mac.b, r->dst.mac_mask.b, 6);
    if (r->protocol != 0)
        put_bytes(m, KEY_PROTOCOL, &r->protocol, &whole, 1);
    m->src_port = ports_of(&r->src);
    m->dst_port = ports_of(&r->dst);
    m->src_set = take_set(a, r->src.set, m);
    m->dst_set = take_set(a, r->dst.set, m);
    m->has_from = is_set(r->src.user);
    m->has_to = is_set(r->dst.user);
    m->from = acl_names_hold(a->names, r->src.user);
    m->to = acl_names_hold(a->names, r->dst.user);
    a->sees_ports |=
        acl_side_has_ports(&r->src) || acl_side_has_ports(&r->dst) || r->check_tcp_state;
    a->sees_macs |= r->src.check_mac || r->dst.check_mac;
    a->sees_from |= m->has_from;
    a->sees_to |= m->has_to;
}

static void
take_action(struct acl *a, const struct acl_rule *r, bool no_shaping, struct acl_action *out)
{
    *out = (struct acl_action){.rule_id = r->id};
    if (!no_shaping) {
        out->delay_ms = (uint16_t)r->delay_ms;
        out->jitter_percent = (uint8_t)r->jitter_percent;
        out->loss_percent = (uint8_t)r->loss_percent;
    }
    if (!is_set(r->redirect_url))
        return;
    a->urls[a->n_urls] = g_strdup(r->redirect_url);
    out->redirect_url = a->urls[a->n_urls++];
}

/* ---- all of them ---- */

static int
by_priority(const void *a, const void *b)
{
    const struct acl_rule *x = *(const struct acl_rule *const *)a;
    const struct acl_rule *y = *(const struct acl_rule *const *)b;

    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* The active rules in order. */
static GPtrArray *
in_order(const struct acl_config *config)
{
    GPtrArray *order = g_ptr_array_new();

    for (unsigned i = 0; i < config->n && order->len < ACL_RULES_MAX; i++)
        if (config->rules[i].active)
            g_ptr_array_add(order, (gpointer)&config->rules[i]);
    if (order->len > 0)
        qsort(order->pdata, order->len, sizeof(gpointer), by_priority);
    return order;
}

static void
take_sets(struct acl *a, const GPtrArray *sets)
{
    if (!sets || sets->len == 0)
        return;
    a->ranges = g_new(struct acl_ranges, sets->len);
    for (unsigned i = 0; i < sets->len; i++)
        acl_ranges_make(&a->ranges[a->n_ranges++], g_ptr_array_index(sets, i));
}

static void
see_set(struct acl *a, const struct acl_ranges *r, unsigned at)
{
    for (unsigned i = 0; r && i < 16; i++)
        a->seen.b[at + i] |= r->seen.b[KEY_SRC_IP + i];
}

static void
find_seen(struct acl *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        for (unsigned w = 0; w < KEY_MASKED_WORDS; w++)
            a->seen.w[w] |= a->match[i].mask[w];
        see_set(a, a->match[i].src_set, KEY_SRC_IP);
        see_set(a, a->match[i].dst_set, KEY_DST_IP);
    }
    a->seen.b[KEY_KIND] = 0xff;
    if (a->sees_ports)
        memset(a->seen.b + KEY_SRC_PORT, 0xff, 4);
    if (a->sees_from)
        memset(a->seen.b + KEY_FROM_USER, 0xff, 6);
    if (a->sees_to)
        memset(a->seen.b + KEY_TO_USER, 0xff, 7);
}

static struct acl *
acl_new(const struct acl_config *config, unsigned n)
{
    struct acl *a = g_new0(struct acl, 1);

    a->serial = config->serial;
    a->names = acl_names_ref(config->names);
    a->n = n;
    a->match = g_malloc0_n(n, sizeof(*a->match));
    a->action = g_malloc0_n(n, sizeof(*a->action));
    a->id = g_malloc0_n(n, sizeof(*a->id));
    a->hits = g_malloc0_n(n, sizeof(*a->hits));
    a->urls = g_malloc0_n(n, sizeof(*a->urls));
    return a;
}

struct acl *
acl_compile(const struct acl_config *config)
{
    g_autoptr(GPtrArray) order = in_order(config);

    if (order->len == 0)
        return NULL;
    struct acl *a = acl_new(config, order->len);
    take_sets(a, config->sets);
    for (unsigned i = 0; i < a->n; i++) {
        const struct acl_rule *r = g_ptr_array_index(order, i);
        a->id[i] = r->id;
        take_rule(a, r, &a->match[i]);
        take_action(a, r, config->no_shaping, &a->action[i]);
    }
    find_seen(a);
    acl_index_make(a);
    return a;
}

void
acl_free(struct acl *a)
{
    if (!a)
        return;
    for (unsigned i = 0; i < a->n; i++) {
        acl_names_release(a->names, a->match[i].from);
        acl_names_release(a->names, a->match[i].to);
    }
    for (unsigned i = 0; i < a->n_ranges; i++)
        acl_ranges_done(&a->ranges[i]);
    for (unsigned i = 0; i < a->n_urls; i++)
        g_free(a->urls[i]);
    acl_index_done(a);
    acl_names_unref(a->names);
    g_free(a->ranges);
    g_free(a->urls);
    g_free(a->match);
    g_free(a->action);
    g_free(a->id);
    g_free(a->hits);
    g_free(a);
}

uint32_t
acl_serial(const struct acl *a)
{
    return a->serial;
}

unsigned
acl_count(const struct acl *a)
{
    return a->n;
}

size_t
acl_size(const struct acl *a)
{
    size_t of_rule = sizeof(*a->match) + sizeof(*a->action) + sizeof(*a->id) + sizeof(*a->hits) +
                     sizeof(*a->urls);

    return sizeof(*a) + a->n * of_rule + acl_index_size(a);
}

bool
acl_names_receivers(const struct acl *a)
{
    return a->sees_to;
}

/* ---- hits ---- */

void
acl_hit(const struct acl *a, uint32_t rule, uint64_t n)
{
    if (rule < a->n)
        atomic_fetch_add_explicit(&a->hits[rule], n, memory_order_relaxed);
}

uint32_t
acl_rule_id(const struct acl *a, uint32_t rule)
{
    return rule < a->n ? a->id[rule] : 0;
}

uint64_t
acl_hits(const struct acl *a, uint32_t rule)
{
    return rule < a->n ? atomic_load_explicit(&a->hits[rule], memory_order_relaxed) : 0;
}

uint64_t
acl_hits_of_id(const struct acl *a, uint32_t id)
{
    for (unsigned i = 0; i < a->n; i++)
        if (a->id[i] == id)
            return acl_hits(a, i);
    return 0;
}

void
acl_inherit_hits(const struct acl *a, const struct acl *former)
{
    g_autoptr(GHashTable) index = g_hash_table_new(NULL, NULL);

    for (unsigned i = 0; i < a->n; i++)
        g_hash_table_insert(index, GUINT_TO_POINTER(a->id[i]), GUINT_TO_POINTER(i + 1));
    for (unsigned i = 0; i < former->n; i++) {
        unsigned at = GPOINTER_TO_UINT(g_hash_table_lookup(index, GUINT_TO_POINTER(former->id[i])));
        if (at > 0)
            acl_hit(a, at - 1, acl_hits(former, i));
    }
}
