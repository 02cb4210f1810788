/* SPDX-License-Identifier: Apache-2.0 */
/* access_fields.c - access rules and rules for clients' addresses as records of the API. The two
 * ends of a rule have fields of the same kinds under different names.
 */
#include "core/base/error.h"
#include "core/rpc/access_config.h"
#include "core/rpc/rpc_priv.h"

#include <string.h>

static const struct side_fields {
    const char *ip, *mask, *ip6, *mask6, *set, *user, *check_mac, *mac, *mac_mask, *first, *last;
} src_fields = {"SrcIpAddress_ip",   "SrcSubnetMask_ip", "SrcIpAddress6_bin", "SrcSubnetMask6_bin",
                "SrcAddressSet_str", "SrcUsername_str",  "CheckSrcMac_bool",  "SrcMacAddress_bin",
                "SrcMacMask_bin",    "SrcPortStart_u32", "SrcPortEnd_u32"},
  dst_fields = {"DestIpAddress_ip",    "DestSubnetMask_ip",  "DestIpAddress6_bin",
                "DestSubnetMask6_bin", "DestAddressSet_str", "DestUsername_str",
                "CheckDstMac_bool",    "DstMacAddress_bin",  "DstMacMask_bin",
                "DestPortStart_u32",   "DestPortEnd_u32"};

/* ---- in ---- */

static bool
take_number(const struct record *r, const char *field, uint32_t max, uint32_t *out, GError **error)
{
    *out = record_u32(r, field);
    return *out <= max ||
           rpc_fail(error, PE_INVALID_PARAMETER, "%s is %u at most, not %u", field, max, *out);
}

static bool
take_port(const struct record *r, const char *field, uint16_t *out, GError **error)
{
    uint32_t v = 0;

    if (!take_number(r, field, UINT16_MAX, &v, error))
        return false;
    *out = (uint16_t)v;
    return true;
}

static bool
take_ip4(const struct record *r, const char *field, uint8_t out[16], GError **error)
{
    struct ip ip = record_ip(r, field);

    if (ip.family == 6)
        return rpc_fail(error, PE_INVALID_PARAMETER, "%s is an IPv4 address", field);
    memcpy(out, ip.b, 4);
    return true;
}

/* Nothing is all zero. */
static bool
take_bytes(const struct record *r, const char *field, uint8_t *out, size_t n, GError **error)
{
    size_t len = 0;
    const void *bytes = record_bin(r, field, &len);

    if (len != 0 && len != n)
        return rpc_fail(error, PE_INVALID_PARAMETER, "%s has %zu bytes", field, n);
    memcpy(out, bytes, len);
    return true;
}

static char *
take_text(const struct record *r, const char *field)
{
    const char *text = record_text(r, field);

    return text[0] != '\0' ? g_strdup(text) : NULL;
}

static char *
take_set(const struct record *r, const char *field)
{
    const char *text = record_text(r, field);

    if (text[0] == '@')
        text++;
    return text[0] != '\0' ? g_ascii_strdown(text, -1) : NULL;
}

static bool
is_zero(const uint8_t *bytes, size_t n)
{
    unsigned any = 0;

    for (size_t i = 0; i < n; i++)
        any |= bytes[i];
    return any == 0;
}

/* An address of the other family would be lost without a word. */
static bool
check_family(const struct record *r, const struct side_fields *f, bool is_ip6, GError **error)
{
    const char *fields[] = {f->ip6, f->mask6};
    size_t len = 0;

    if (is_ip6 && !(is_zero(record_ip(r, f->ip).b, 4) && is_zero(record_ip(r, f->mask).b, 4)))
        return rpc_fail(error, PE_INVALID_PARAMETER, "the rule is for IPv6, and has IPv4's %s",
                        f->ip);
    for (unsigned i = 0; !is_ip6 && i < ARRAY_LEN(fields); i++) {
        const uint8_t *bytes = record_bin(r, fields[i], &len);
        if (!is_zero(bytes, len))
            return rpc_fail(error, PE_INVALID_PARAMETER, "the rule is for IPv4, and has IPv6's %s",
                            fields[i]);
    }
    return true;
}

static bool
take_address(const struct record *r, const struct side_fields *f, bool is_ip6, struct acl_side *out,
             GError **error)
{
    if (!check_family(r, f, is_ip6, error))
        return false;
    if (is_ip6)
        return take_bytes(r, f->ip6, out->ip, 16, error) &&
               take_bytes(r, f->mask6, out->mask, 16, error);
    return take_ip4(r, f->ip, out->ip, error) && take_ip4(r, f->mask, out->mask, error);
}

static bool
take_side(const struct record *r, const struct side_fields *f, bool is_ip6, struct acl_side *out,
          GError **error)
{
    out->set = take_set(r, f->set);
    out->user = take_text(r, f->user);
    out->check_mac = record_bool(r, f->check_mac);
    return take_address(r, f, is_ip6, out, error) && take_bytes(r, f->mac, out->mac.b, 6, error) &&
           take_bytes(r, f->mac_mask, out->mac_mask.b, 6, error) &&
           take_port(r, f->first, &out->first_port, error) &&
           take_port(r, f->last, &out->last_port, error);
}

static bool
take_rule(const struct record *r, struct acl_rule *out, GError **error)
{
    uint32_t protocol = 0;

    out->id = record_u32(r, "Id_u32");
    out->note = take_text(r, "Note_utf");
    out->active = record_bool(r, "Active_bool");
    out->priority = record_u32(r, "Priority_u32");
    out->discard = record_bool(r, "Discard_bool");
    out->is_ip6 = record_bool(r, "IsIPv6_bool");
    out->check_tcp_state = record_bool(r, "CheckTcpState_bool");
    out->established = record_bool(r, "Established_bool");
    out->delay_ms = record_u32(r, "Delay_u32");
    out->jitter_percent = record_u32(r, "Jitter_u32");
    out->loss_percent = record_u32(r, "Loss_u32");
    out->redirect_url = take_text(r, "RedirectUrl_str");
    if (!take_number(r, "Protocol_u32", UINT8_MAX, &protocol, error))
        return false;
    out->protocol = (uint8_t)protocol;
    return take_side(r, &src_fields, out->is_ip6, &out->src, error) &&
           take_side(r, &dst_fields, out->is_ip6, &out->dst, error) && acl_rule_check(out, error);
}

bool
access_rule_from_record(const struct record *r, struct acl_rule *out, GError **error)
{
    acl_rule_init(out);
    if (take_rule(r, out, error))
        return true;
    acl_rule_clear(out);
    return false;
}

/* ---- out ---- */

static void
put_ip4(struct record *out, const char *field, const uint8_t bytes[16], bool is_ip6)
{
    struct ip ip = {.family = 4};

    if (!is_ip6)
        memcpy(ip.b, bytes, 4);
    record_set_ip(out, field, &ip);
}

static void
put_ip6(struct record *out, const char *field, const uint8_t bytes[16], bool is_ip6)
{
    static const uint8_t none[16] = {0};

    record_set_bin(out, field, is_ip6 ? bytes : none, 16);
}

static void
put_side(struct record *out, const struct side_fields *f, const struct acl_side *s, bool is_ip6)
{
    put_ip4(out, f->ip, s->ip, is_ip6);
    put_ip4(out, f->mask, s->mask, is_ip6);
    put_ip6(out, f->ip6, s->ip, is_ip6);
    put_ip6(out, f->mask6, s->mask, is_ip6);
    record_set_text(out, f->set, s->set);
    record_set_text(out, f->user, s->user);
    record_set_bool(out, f->check_mac, s->check_mac);
    record_set_bin(out, f->mac, s->mac.b, 6);
    record_set_bin(out, f->mac_mask, s->mac_mask.b, 6);
    record_set_u32(out, f->first, s->first_port);
    record_set_u32(out, f->last, s->last_port);
}

void
access_rule_to_record(const struct acl_rule *rule, struct record *out)
{
    g_autofree char *words = acl_rule_say(rule);

    record_set_u32(out, "Id_u32", rule->id);
    record_set_text(out, "Note_utf", rule->note);
    record_set_bool(out, "Active_bool", rule->active);
    record_set_u32(out, "Priority_u32", rule->priority);
    record_set_bool(out, "Discard_bool", rule->discard);
    record_set_bool(out, "IsIPv6_bool", rule->is_ip6);
    put_side(out, &src_fields, &rule->src, rule->is_ip6);
    put_side(out, &dst_fields, &rule->dst, rule->is_ip6);
    record_set_u32(out, "Protocol_u32", rule->protocol);
    record_set_bool(out, "CheckTcpState_bool", rule->check_tcp_state);
    record_set_bool(out, "Established_bool", rule->established);
    record_set_u32(out, "Delay_u32", rule->delay_ms);
    record_set_u32(out, "Jitter_u32", rule->jitter_percent);
    record_set_u32(out, "Loss_u32", rule->loss_percent);
    record_set_text(out, "RedirectUrl_str", rule->redirect_url);
    record_set_text(out, "Rule_utf", words);
}

/* ---- rules for clients' addresses ---- */

bool
source_rule_from_record(const struct record *r, struct source_rule *out, GError **error)
{
    struct ip ip = record_ip(r, "IpAddress_ip");
    struct ip mask = record_ip(r, "SubnetMask_ip");
    unsigned bytes = ip.family == 6 ? 16 : 4;
    int length = (int)bytes * 8;

    if (record_bool(r, "Masked_bool")) {
        if (mask.family != ip.family)
            return rpc_fail(error, PE_INVALID_PARAMETER,
                            "an address and its mask are of the same family");
        length = acl_mask_length(mask.b, bytes);
    }
    if (length < 0)
        return rpc_fail(error, PE_INVALID_PARAMETER, "the mask of a network has no holes");
    *out = (struct source_rule){
        .id = record_u32(r, "Id_u32"),
        .priority = record_u32(r, "Priority_u32"),
        .deny = record_bool(r, "Deny_bool"),
        .ip = ip,
        .length = (uint8_t)length,
    };
    return source_rule_check(out, error);
}

void
source_rule_to_record(const struct source_rule *rule, struct record *out)
{
    unsigned bytes = rule->ip.family == 6 ? 16 : 4;
    struct ip mask = {.family = rule->ip.family};

    acl_mask_of_length(rule->length, mask.b, bytes);
    record_set_u32(out, "Id_u32", rule->id);
    record_set_u32(out, "Priority_u32", rule->priority);
    record_set_bool(out, "Deny_bool", rule->deny);
    record_set_bool(out, "Masked_bool", rule->length < bytes * 8);
    record_set_ip(out, "IpAddress_ip", &rule->ip);
    record_set_ip(out, "SubnetMask_ip", &mask);
}
