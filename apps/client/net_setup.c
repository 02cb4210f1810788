/* SPDX-License-Identifier: Apache-2.0 */
/* net_setup.c - see net_setup.h. */
#include "apps/client/net_setup.h"

#include "core/base/log.h"

#include <glib/gstdio.h>
#include <jansson.h>

#include <string.h>

#define NOTE_PREFIX "net-"

struct net_setup {
    char *note; /* path */
    char *ifname;
    uint32_t mark, table;
    bool has_rule, rule_is_default;
    struct ip peer; /* family 0: no rule for it */
    bool has_address;
    struct ip_prefix address;
    GArray *routes; /* struct pf_route: those that are set */
};

/* ---- notes ---- */

static bool
write_note(const struct net_setup *s, GError **error)
{
    char peer[IP_TEXT];
    json_t *o =
        json_pack("{s:I, s:I, s:s}", "mark", (json_int_t)s->mark, "table", (json_int_t)s->table,
                  "peer", s->peer.family ? ip_print(&s->peer, peer) : "");
    char *text = json_dumps(o, JSON_COMPACT);
    bool ok = pf_file_replace(s->note, text, strlen(text), 0600, error);

    free(text);
    json_decref(o);
    return ok;
}

static void
clean_rules(const json_t *note)
{
    json_int_t mark = json_integer_value(json_object_get(note, "mark"));
    json_int_t table = json_integer_value(json_object_get(note, "table"));
    const char *text = json_string_value(json_object_get(note, "peer"));
    g_autoptr(GError) error = NULL;
    struct ip peer;

    if (mark < 1 || mark > UINT32_MAX || table < 1 || table > UINT32_MAX)
        return;
    bool ok = pf_net_rule_del((uint32_t)mark, (uint32_t)table, &error);
    if (text && ip_parse(text, &peer))
        ok = pf_net_peer_del((uint32_t)table, peer.family, peer.b, ok ? &error : NULL) && ok;
    if (!ok)
        log_debug("a rule of an earlier run stays", "table=%u reason=\"%s\"", (unsigned)table,
                  error->message);
}

static void
clean_one(const char *path)
{
    g_autofree char *text = NULL;
    gsize len;
    json_t *note = NULL;

    if (g_file_get_contents(path, &text, &len, NULL))
        note = json_loadb(text, len, 0, NULL);
    clean_rules(note);
    json_decref(note);
    (void)g_unlink(path); /* a note that stays does no harm: it is read again */
}

void
net_setup_clean(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *file;

    while (dir && (file = g_dir_read_name(dir))) {
        if (!g_str_has_prefix(file, NOTE_PREFIX) || !g_str_has_suffix(file, ".json"))
            continue;
        g_autofree char *path = g_build_filename(folder, file, NULL);
        clean_one(path);
    }
}

/* ---- life ---- */

struct net_setup *
net_setup_new(const char *folder, const char *ifname, uint32_t mark, uint32_t table)
{
    struct net_setup *s = g_new0(struct net_setup, 1);
    g_autofree char *file = g_strconcat(NOTE_PREFIX, ifname, ".json", NULL);

    s->note = g_build_filename(folder, file, NULL);
    s->ifname = g_strdup(ifname);
    s->mark = mark;
    s->table = table;
    s->routes = g_array_new(FALSE, TRUE, sizeof(struct pf_route));
    return s;
}

/* For steps back: what fails is told and does not stop the others. */
static void
told(bool ok, GError **error, const struct net_setup *s)
{
    if (!ok)
        log_debug("a step of the network set-up failed", "adapter=%s reason=\"%s\"", s->ifname,
                  *error ? (*error)->message : "?");
    g_clear_error(error);
}

static void
remove_peer(struct net_setup *s)
{
    GError *error = NULL;

    if (!s->peer.family)
        return;
    told(pf_net_peer_del(s->table, s->peer.family, s->peer.b, &error), &error, s);
    s->peer.family = 0;
}

static void
remove_rule(struct net_setup *s)
{
    GError *error = NULL;

    if (!s->has_rule)
        return;
    remove_peer(s);
    told(pf_net_rule_del(s->mark, s->table, &error), &error, s);
    (void)g_unlink(s->note);
    s->has_rule = false;
}

static void
remove_address(struct net_setup *s)
{
    GError *error = NULL;

    if (!s->has_address)
        return;
    told(pf_net_addr_flush(s->ifname, &error), &error, s);
    s->has_address = false;
}

static void
remove_routes(struct net_setup *s)
{
    GError *error = NULL;
    told(pf_net_route_flush(s->ifname, s->table, &error), &error, s);
    g_array_set_size(s->routes, 0);
}

void
net_setup_free(struct net_setup *s)
{
    if (!s)
        return;
    remove_rule(s);
    remove_routes(s);
    remove_address(s);
    g_free(s->note);
    g_free(s->ifname);
    g_array_unref(s->routes);
    g_free(s);
}

/* ---- steps forward ---- */

static bool
set_rule(struct net_setup *s, const struct net_plan *plan, GError **error)
{
    bool wanted = plan->routes->len > 0;

    if (s->has_rule && (!wanted || s->rule_is_default != plan->default_route))
        remove_rule(s);
    if (!wanted || s->has_rule)
        return true;
    if (!write_note(s, error))
        return false;
    s->has_rule = true;
    s->rule_is_default = plan->default_route;
    return pf_net_rule_add(s->mark, s->table, plan->default_route, error);
}

/* Whether an interface drops what would not be answered by itself (rp_filter 1, RFC 3704). Where
 * there is no such file, no. */
static bool
is_strict_about_origin(void)
{
    static const char conf[] = "/proc/sys/net/ipv4/conf";
    g_autoptr(GDir) dir = g_dir_open(conf, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(conf, name, "rp_filter", NULL);
        g_autofree char *text = NULL;
        if (strcmp(name, "lo") != 0 && g_file_get_contents(path, &text, NULL, NULL) &&
            text[0] == '1')
            return true;
    }
    return false;
}

static bool
set_peer(struct net_setup *s, const struct net_plan *plan, const struct ip *peer, GError **error)
{
    bool wanted =
        s->has_rule && plan->default_route && peer->family == 4 && is_strict_about_origin();

    if (wanted && ip_equal(&s->peer, peer))
        return true;
    remove_peer(s);
    if (!wanted)
        return true;
    s->peer = *peer;
    return write_note(s, error) && pf_net_peer_add(s->table, peer->family, peer->b, error);
}

static bool
is_same(const struct ip_prefix *a, const struct ip_prefix *b)
{
    return a->len == b->len && ip_equal(&a->ip, &b->ip);
}

static bool
set_address(struct net_setup *s, const struct net_plan *plan, GError **error)
{
    if (s->has_address && (!plan->has_address || !is_same(&s->address, &plan->address)))
        remove_address(s);
    if (!plan->has_address || s->has_address)
        return true;
    s->has_address = true;
    s->address = plan->address;
    return pf_net_addr_add(s->ifname, plan->address.ip.family, plan->address.ip.b,
                           plan->address.len, false, error);
}

static bool
is_same_route(const struct pf_route *a, const struct pf_route *b)
{
    return a->family == b->family && a->dst_len == b->dst_len && a->metric == b->metric &&
           memcmp(a->dst, b->dst, sizeof a->dst) == 0 && memcmp(a->via, b->via, sizeof a->via) == 0;
}

/* Whether all is as it should be: then there is no gap while routes are made anew. */
static bool
has_routes(const struct net_setup *s, const struct net_plan *plan)
{
    if (s->routes->len != plan->routes->len)
        return false;
    for (guint i = 0; i < s->routes->len; i++) {
        if (!is_same_route(&g_array_index(s->routes, struct pf_route, i),
                           &g_array_index(plan->routes, struct pf_route, i)))
            return false;
    }
    return true;
}

static bool
set_routes(struct net_setup *s, const struct net_plan *plan, GError **error)
{
    bool ok = true;

    if (has_routes(s, plan))
        return true;
    remove_routes(s);
    for (guint i = 0; i < plan->routes->len; i++) {
        struct pf_route r = g_array_index(plan->routes, struct pf_route, i);
        r.table = s->table;
        ok = pf_net_route_add(s->ifname, &r, ok ? error : NULL) && ok;
        g_array_append_val(s->routes, r);
    }
    if (!ok)
        g_array_set_size(s->routes, 0); /* the next plan tries again */
    return ok;
}

bool
net_setup_apply(struct net_setup *s, const struct net_plan *plan, const struct ip *peer,
                GError **error)
{
    bool ok = set_address(s, plan, error);

    ok = set_routes(s, plan, ok ? error : NULL) && ok;
    ok = set_rule(s, plan, ok ? error : NULL) && ok;
    return set_peer(s, plan, peer, ok ? error : NULL) && ok;
}
