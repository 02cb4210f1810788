/* SPDX-License-Identifier: Apache-2.0 */
/* access_test.c - would this packet pass, and by which rule? See hub_try_access(). */
#include "core/rpc/access_config.h"
#include "core/rpc/rpc_priv.h"

#include <string.h>

enum { PROTOCOL_TCP = 6 };

static bool
take_mac(const struct record *in, const char *field, struct mac *out, GError **error)
{
    size_t len = 0;
    const void *bytes = record_bin(in, field, &len);

    if (len != 0 && len != sizeof(out->b))
        return rpc_fail(error, PE_INVALID_PARAMETER, "%s has 6 bytes", field);
    memcpy(out->b, bytes, len);
    return true;
}

static bool
take_port(const struct record *in, const char *field, uint16_t *out, GError **error)
{
    uint32_t v = record_u32(in, field);

    *out = (uint16_t)v;
    return v <= UINT16_MAX || rpc_fail(error, PE_INVALID_PARAMETER, "%s is 65535 at most", field);
}

static bool
take_packet(const struct record *in, struct hub_access_try *out, GError **error)
{
    uint32_t protocol = record_u32(in, "Protocol_u32");

    *out = (struct hub_access_try){
        .src = record_ip(in, "SrcIpAddress_ip"),
        .dst = record_ip(in, "DestIpAddress_ip"),
        .src_mac = {{2, 0, 0, 0, 0, 1}},
        .dst_mac = {{2, 0, 0, 0, 0, 2}},
        .protocol = protocol > 0 ? (uint8_t)protocol : PROTOCOL_TCP,
        .established = record_bool(in, "Established_bool"),
    };
    if (protocol > UINT8_MAX)
        return rpc_fail(error, PE_INVALID_PARAMETER, "Protocol_u32 is 255 at most");
    return take_mac(in, "SrcMacAddress_bin", &out->src_mac, error) &&
           take_mac(in, "DestMacAddress_bin", &out->dst_mac, error) &&
           take_port(in, "SrcPort_u32", &out->sport, error) &&
           take_port(in, "DestPort_u32", &out->dport, error);
}

/* "" for none. Freed with g_free. */
static char *
group_of(const struct rpc_call *c, const char *user)
{
    struct store_user *u = store_user_get(c->host->store, record_text(c->in, "HubName_str"), user);
    char *group = u ? g_strdup(u->group) : NULL;

    store_user_free(u);
    return group;
}

static const char *
name_of(enum acl_say say)
{
    return say == ACL_PASS ? "pass" : say == ACL_DISCARD ? "discard" : "undecided";
}

static void
put_answer(const struct rpc_call *c, const struct hub_access_answer *a, struct record *out)
{
    g_autoptr(GArray) rules = access_rules_load(c->host->store, record_text(c->in, "HubName_str"));

    record_set_text(out, "Verdict_str", name_of(a->say));
    record_set_u32(out, "Id_u32", a->rule_id);
    for (guint i = 0; a->rule_id != 0 && i < rules->len; i++) {
        const struct acl_rule *r = &g_array_index(rules, struct acl_rule, i);
        if (r->id != a->rule_id)
            continue;
        g_autofree char *words = acl_rule_say(r);
        record_set_text(out, "Rule_utf", words);
    }
}

struct record *
rpc_test_access(const struct rpc_call *c, GError **error)
{
    struct hub_access_try what;
    struct hub_access_answer a;
    struct hub *hub = take_packet(c->in, &what, error) ? rpc_living_hub(c, error) : NULL;

    if (!hub)
        return NULL;
    what.user = record_text(c->in, "SrcUsername_str");
    what.to_user = record_text(c->in, "DestUsername_str");
    what.to_known = what.to_user[0] != '\0';
    g_autofree char *group = group_of(c, what.user);
    g_autofree char *to_group = group_of(c, what.to_user);
    what.group = group;
    what.to_group = to_group;
    bool ok = hub_try_access(hub, &what, &a, error);
    hub_unref(hub);
    if (!ok)
        return NULL;
    struct record *out = record_new();
    record_set_text(out, "HubName_str", record_text(c->in, "HubName_str"));
    put_answer(c, &a, out);
    return out;
}
