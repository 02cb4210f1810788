/* SPDX-License-Identifier: Apache-2.0 */
/* hub_law.c - where the policies of ports and the options of a hub meet the frames.
 *
 * What is asked is in core/hub/law; here is who is asked, in which order, and who hears of a
 * refusal. All that filters IP refuses what is broken as well: a frame whose headers cannot be read
 * cannot be judged.
 */

#include "core/base/clock.h"
#include "core/base/hub_event.h"
#include "core/hub/hub_priv.h"
#include "core/net/eth.h"

#include <string.h>

enum { NA_TARGET = 8, NA_LEN = 24, ITEMS_TEXT = 160 };

/* ---- options ---- */

struct hub_law *
hub_law_new(const struct hub_options *options)
{
    struct hub_law *law = g_new0(struct hub_law, 1);
    uint32_t mss = options->DisableAdjustTcpMss ? 0 : options->AdjustTcpMssValue;
    law->options = *options;
    law->forbid = hub_options_forbid(options);
    law->mss = (struct mss){.v4 = (uint16_t)mss, .v6 = (uint16_t)mss};
    return law;
}

void
hub_set_options(struct hub *hub, const struct hub_options *options)
{
    struct hub_law *old = atomic_exchange(&hub->law, hub_law_new(options));
    quiesce_retire(worker_set_quiesce(hub->workers), g_free, old);
}

void
hub_get_options(struct hub *hub, struct hub_options *out)
{
    *out = hub_law_of(hub)->options; /* only this thread replaces it */
}

const struct hub_options *
hub_options(const struct hub *hub)
{
    return &hub_law_of(hub)->options;
}

/* ---- ports ---- */

void
hub_law_attach(struct hub_port *port, const struct hub_port_config *config)
{
    port->over_ip6 = config->over_ip6;
    port->user = g_strdup(config->user);
    port->gate = gate_new(&config->policy, config->over_ip6);
    port->judges_out = port->gate && (gate_looks_out(port->gate) || port->gate->vlan != 0);
    if (port->monitor)
        return;
    port->watch = g_new(struct ip_watch, 1);
    ip_watch_init(port->watch, port->hub->ip_table, port->id, worker_now_us(port->tube.home));
    if (!port->gate)
        return;
    port->watch->v4 = (struct ip_terms){.max = port->gate->max_ip4,
                                        .exclusive = port->gate->check_ip4,
                                        .given = port->gate->dhcp_only};
    port->watch->v6 =
        (struct ip_terms){.max = port->gate->max_ip6, .exclusive = port->gate->check_ip6};
}

void
hub_law_detach(struct hub_port *port)
{
    ip_table_port_gone(port->hub->ip_table, port->id, hub_second(worker_now_us(port->tube.home)));
}

void
hub_law_done(struct hub_port *port)
{
    gate_free(port->gate);
    g_free(port->watch);
    g_free(port->user);
}

/* ---- the way in ---- */

/* Which item of the policy a verdict of the IP table speaks of. */
static enum policy_item
item_of(const struct gate *g, enum ip_verdict verdict, const struct ip *ip)
{
    bool is_ip4 = ip->family == 4;
    if (verdict == IP_NOT_GIVEN)
        return POLICY_DHCPForce;
    if (verdict == IP_IN_USE)
        return is_ip4 ? POLICY_CheckIP : POLICY_CheckIPv6;
    uint8_t item = is_ip4 ? g->max_ip4_item : g->max_ip6_item;
    if (item != 0)
        return item;
    if (g->dhcp_only && is_ip4)
        return POLICY_DHCPForce;
    return is_ip4 ? POLICY_CheckIP : POLICY_CheckIPv6;
}

static enum drop
claim(struct hub_port *in, const struct ip *ip, uint64_t src, int64_t now_us)
{
    enum ip_verdict verdict = ip_watch_see(in->watch, ip, src, now_us);
    if (verdict == IP_FINE || !in->gate)
        return DROP_NONE;
    return gate_refuse(in->gate, item_of(in->gate, verdict, ip));
}

static bool
asks(const struct ip_terms *terms)
{
    return terms->max > 0 || terms->exclusive || terms->given;
}

enum drop
hub_law_source(struct hub_port *in, const struct hub_law *law, const struct frame *f, uint64_t src,
               int64_t now_us)
{
    if (law->options.NoIpTable)
        return DROP_NONE;
    struct gate *g = in->gate;
    struct ip_source source = ip_source_of(f->data, f->len);
    if (g && g->check_mac && source.arp_mac &&
        memcmp(source.arp_mac, f->data + sizeof(struct mac), sizeof(struct mac)) != 0)
        return gate_refuse(g, POLICY_CheckMac);
    if (source.is_bad && asks(source.version == 4 ? &in->watch->v4 : &in->watch->v6))
        return DROP_BAD_SOURCE;
    if (source.ip.family != 0) {
        in->watch->only_private4 = law->options.ManageOnlyPrivateIP;
        in->watch->only_local6 = law->options.ManageOnlyLocalUnicastIPv6;
        enum drop why = claim(in, &source.ip, src, now_us);
        if (why != DROP_NONE)
            return why;
    }
    if (source.is_offer)
        ip_snoop(in->hub->ip_table, f, (uint16_t)(src >> 48), hub_second(now_us));
    return DROP_NONE;
}

/* A neighbour advertisement speaks of an address of its own. */
static enum drop
judge_neighbour(struct hub_port *in, const struct frame *f, const struct look *look, int64_t now_us)
{
    const struct flow *fl = &look->flow;
    struct ip target = {.family = 6};
    if ((size_t)fl->l4 + NA_LEN > f->len)
        return DROP_MALFORMED;
    memcpy(target.b, f->data + fl->l4 + NA_TARGET, sizeof(target.b));
    uint16_t vlan = in->gate->vlan;
    return claim(in, &target, fdb_key(f->data + sizeof(struct mac), vlan), now_us);
}

static enum drop
judge(struct hub_port *in, const struct hub_law *law, const struct frame *f,
      const struct look *look, int64_t now_us)
{
    struct gate *g = in->gate;
    uint32_t kinds = look->kinds;
    uint16_t tpid = (uint16_t)law->options.VlanTypeId;
    if (look->broken != DROP_NONE)
        return law->forbid != 0 || (g && gate_looks_in(g)) ? look->broken : DROP_NONE;
    if (look->flow.type == tpid && !eth_type_is_tag(tpid)) /* tags that are not looked behind */
        kinds |= KIND_HIDDEN | KIND_TAGGED;
    if (law->forbid & kinds)
        return DROP_POLICY;
    enum drop why = g ? gate_judge_in(g, kinds) : DROP_NONE;
    if (why == DROP_NONE && g && g->check_ip6 && (kinds & KIND_NA) && !law->options.NoIpTable)
        why = judge_neighbour(in, f, look, now_us);
    return why;
}

/* The frame got a tag in front of all that the look has found. */
static void
shift(struct look *look, uint16_t tpid)
{
    struct flow *fl = &look->flow;
    if (fl->l3 > 0)
        fl->l3 += ETH_TAG;
    if (fl->l4 > 0)
        fl->l4 += ETH_TAG;
    if (fl->end > 0)
        fl->end += ETH_TAG;
    if (eth_type_is_tag(tpid))
        fl->tags++;
}

struct frame *
hub_law_in(struct hub_port *in, const struct hub_law *law, struct frame *f, struct look *look,
           int64_t now_us, enum drop *why)
{
    struct frame_pool *pool = worker_pool(in->tube.home);
    *why = judge(in, law, f, look, now_us);
    if (*why != DROP_NONE) {
        frame_free(f);
        return NULL;
    }
    if (law->mss.v4 != 0) {
        f = mss_lower(pool, f, false, &law->mss);
        *why = f ? DROP_NONE : DROP_NO_BUFFER;
    }
    if (f && in->gate && in->gate->vlan != 0) {
        uint16_t tpid = (uint16_t)law->options.VlanTypeId;
        uint32_t len = f->len;
        f = gate_tag(in->gate, pool, f, tpid, why);
        if (f && f->len > len)
            shift(look, tpid);
    }
    return f;
}

/* ---- the way out ---- */

static struct frame *
judge_out(struct hub_port *port, const struct hub_law *law, struct frame *f, enum drop *why)
{
    struct gate *g = port->gate;
    struct frame_pool *pool = worker_pool(port->tube.home);
    struct flow fl;
    if (g->vlan != 0) {
        f = gate_untag(g, pool, f, (uint16_t)law->options.VlanTypeId, why);
        if (!f)
            return NULL;
    }
    if (!gate_looks_out(g))
        return f;
    *why = flow_of_frame(f, &fl);
    uint32_t kinds = *why == DROP_NONE ? kinds_of(f, &fl) : 0;
    if (*why == DROP_NONE)
        *why = gate_judge_out(g, kinds);
    else if (g->out.kinds == 0)
        *why = DROP_NONE;
    if (*why != DROP_NONE) {
        frame_free(f);
        return NULL;
    }
    if (g->mute_routers && (kinds & KIND_RA)) {
        f = gate_mute_router(pool, f, &fl);
        *why = f ? DROP_NONE : DROP_NO_BUFFER;
    }
    return f;
}

void
hub_law_out(struct hub_port *port, struct batch *b)
{
    const struct hub_law *law = hub_law_of(port->hub);
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        enum drop why = DROP_NONE;
        struct frame *f = judge_out(port, law, b->frame[i], &why);
        if (f)
            b->frame[kept++] = f;
        else
            hub_port_count_drop(port, why, 1);
    }
    b->n = kept;
}

/* ---- telling ---- */

void
hub_law_tell(struct hub_port *port, int64_t now_us)
{
    char items[ITEMS_TEXT];
    unsigned left_out = 0;
    if (!gate_tell(port->gate, now_us, items, sizeof(items), &left_out))
        return;
    const struct hub_event event = {
        .kind = HUB_EVENT_POLICY,
        .level = LOG_INFO,
        .hub = port->hub->name,
        .session = port->name,
        .user = port->user,
        .reason = "the security policy does not let these frames pass",
        .detail = items,
        .left_out = left_out,
    };
    hub_event_report(&event);
}

/* ---- for people ---- */

GArray *
hub_ip_list(struct hub *hub)
{
    int64_t now_us = clock_now_us();
    g_autoptr(GArray) found = ip_table_list(hub->ip_table, hub_second(now_us));
    GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct hub_ip_row));

    g_mutex_lock(&hub->ports_lock); /* ports in the list stay alive while it is held */
    const struct hub_ports *list = atomic_load_explicit(&hub->ports, memory_order_relaxed);
    for (unsigned i = 0; i < found->len; i++) {
        const struct ip_table_row *from = &g_array_index(found, struct ip_table_row, i);
        const struct hub_port *port = hub_ports_at(list, from->port);
        if (!port)
            continue;
        struct hub_ip_row row = {.ip = from->ip,
                                 .vlan = (uint16_t)(from->station >> 48),
                                 .given = from->given,
                                 .created_ms = hub_wall_ms(from->created_s, now_us),
                                 .updated_ms = hub_wall_ms(from->seen_s, now_us),
                                 .key = from->key};
        for (unsigned k = 0; k < sizeof(row.mac.b); k++)
            row.mac.b[k] = (uint8_t)(from->station >> (40 - 8 * k));
        (void)g_strlcpy(row.port, port->name, sizeof(row.port));
        g_array_append_val(rows, row);
    }
    g_mutex_unlock(&hub->ports_lock);
    return rows;
}

bool
hub_ip_forget(struct hub *hub, uint32_t key)
{
    return ip_table_forget(hub->ip_table, key);
}
