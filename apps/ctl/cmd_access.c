/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_access.c - access rules, and from where clients may come, on the command line. */
#include "apps/ctl/ctl.h"

#include <string.h>

#define RULE_OPTIONS                                                                               \
    {"--priority", N_("N"), N_("small ones are asked first; left out: behind the others"), false}, \
        {"--src", N_("ADDRESS[/LENGTH]|@SET|any"), N_("address of the sender"), false},            \
        {"--dst", N_("ADDRESS[/LENGTH]|@SET|any"), N_("address of the receiver"), false},          \
        {"--ipv6", NULL, N_("protocol and ports are IPv6's, where no address tells"), false},      \
        {"--protocol", N_("NAME|N|any"), N_("tcp, udp, icmp, icmp6, or a number"), false},         \
        {"--src-port", N_("N[-M]|any"), N_("port of the sender"), false},                          \
        {"--dst-port", N_("N[-M]|any"), N_("port of the receiver"), false},                        \
        {"--src-user", N_("NAME"), N_("user or group that sends"), false},                         \
        {"--dst-user", N_("NAME"), N_("user or group that receives"), false},                      \
        {"--src-mac", N_("MAC[/MASK]|any"), N_("MAC address of the sender"), false},               \
        {"--dst-mac", N_("MAC[/MASK]|any"), N_("MAC address of the receiver"), false},             \
        {"--tcp-state", N_("established|opening|any"),                                             \
         N_("packets of TCP connections, or those "                                                \
            "that open one"),                                                                      \
         false},                                                                                   \
        {"--delay", N_("MS"), N_("milliseconds that what passes waits"), false},                   \
        {"--jitter", N_("PERCENT"), N_("by which the delay varies"), false},                       \
        {"--loss", N_("PERCENT"), N_("of what passes"), false},                                    \
        {"--redirect", N_("URL"), N_("HTTP connections are sent there instead"), false},           \
    {                                                                                              \
        "--note", N_("TEXT"), N_("remark"), false                                                  \
    }

const struct ctl_option ctl_access_add_options[] = {
    RULE_OPTIONS,
    {"--disabled", NULL, N_("not in force yet"), false},
    {NULL, NULL, NULL, false},
};

const struct ctl_option ctl_access_set_options[] = {
    RULE_OPTIONS,
    {"--pass", NULL, N_("what matches passes"), false},
    {"--discard", NULL, N_("what matches is discarded"), false},
    {NULL, NULL, NULL, false},
};

const struct ctl_option ctl_access_test_options[] = {
    {"--src", N_("ADDRESS"), N_("address of the sender"), false},
    {"--dst", N_("ADDRESS"), N_("address of the receiver"), false},
    {"--protocol", N_("NAME|N"), N_("tcp, udp, icmp, icmp6, or a number"), false},
    {"--src-port", N_("N"), N_("port of the sender"), false},
    {"--dst-port", N_("N"), N_("port of the receiver"), false},
    {"--src-user", N_("NAME"), N_("user that sends"), false},
    {"--dst-user", N_("NAME"), N_("user that receives; left out: not known yet"), false},
    {"--established", NULL, N_("not the first packet of a TCP connection"), false},
    {NULL, NULL, NULL, false},
};

const struct ctl_option ctl_source_set_options[] = {
    {"--allow", N_("PRIORITY:NETWORK"), N_("clients of this network may log in"), true},
    {"--deny", N_("PRIORITY:NETWORK"), N_("clients of this network may not"), true},
    {"--clear", NULL, N_("no rules: clients may come from everywhere"), false},
    {NULL, NULL, NULL, false},
};

/* ---- values ---- */

static bool
take_protocol(const char *text, struct record *row)
{
    static const struct {
        const char *name;
        uint32_t number;
    } names[] = {{"any", 0}, {"ip", 0},   {"icmp", 1},   {"icmp4", 1},
                 {"tcp", 6}, {"udp", 17}, {"icmp6", 58}, {"icmpv6", 58}};
    uint32_t n = 0;

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (g_ascii_strcasecmp(names[i].name, text) != 0)
            continue;
        record_set_u32(row, "Protocol_u32", names[i].number);
        return true;
    }
    if (!ctl_parse_number(text, "--protocol", &n))
        return false;
    record_set_u32(row, "Protocol_u32", n);
    return true;
}

/* "22", "1024-65535", "any". */
static bool
take_ports(const char *text, const char *option, const char *first, const char *last,
           struct record *row)
{
    const char *dash = strchr(text, '-');
    g_autofree char *low = dash ? g_strndup(text, (size_t)(dash - text)) : g_strdup(text);
    uint32_t from = 0;
    uint32_t to = 0;

    if (strcmp(text, "any") != 0) {
        if (!ctl_parse_number(low, option, &from) ||
            !ctl_parse_number(dash ? dash + 1 : low, option, &to))
            return false;
    }
    record_set_u32(row, first, from);
    record_set_u32(row, last, to);
    return true;
}

/* "10.0.0.0/8", "10.0.0.1", "10.0.0.0/255.0.0.0". */
static bool
parse_masked(const char *text, struct ip *ip, struct ip *mask)
{
    const char *slash = strchr(text, '/');
    g_autofree char *left = slash ? g_strndup(text, (size_t)(slash - text)) : g_strdup(text);
    struct ip_prefix prefix;

    if (!ip_parse(left, ip))
        return false;
    if (slash && ip_parse(slash + 1, mask))
        return mask->family == ip->family;
    if (!ip_prefix_parse(text, &prefix))
        return false;
    *mask = (struct ip){.family = ip->family};
    for (unsigned i = 0; i < prefix.len; i++)
        mask->b[i / 8] = (uint8_t)(mask->b[i / 8] | 0x80u >> i % 8);
    return true;
}

struct end {
    const char *option, *ip, *mask, *ip6, *mask6, *set;
    const char *port_option, *first, *last;
    const char *user_option, *user;
    const char *mac_option, *check, *mac, *mac_mask;
};
static const struct end ends[] = {
    {"--src", "SrcIpAddress_ip", "SrcSubnetMask_ip", "SrcIpAddress6_bin", "SrcSubnetMask6_bin",
     "SrcAddressSet_str", "--src-port", "SrcPortStart_u32", "SrcPortEnd_u32", "--src-user",
     "SrcUsername_str", "--src-mac", "CheckSrcMac_bool", "SrcMacAddress_bin", "SrcMacMask_bin"},
    {"--dst", "DestIpAddress_ip", "DestSubnetMask_ip", "DestIpAddress6_bin", "DestSubnetMask6_bin",
     "DestAddressSet_str", "--dst-port", "DestPortStart_u32", "DestPortEnd_u32", "--dst-user",
     "DestUsername_str", "--dst-mac", "CheckDstMac_bool", "DstMacAddress_bin", "DstMacMask_bin"},
};

static void
clear_address(const struct end *e, struct record *row)
{
    record_remove(row, e->ip);
    record_remove(row, e->mask);
    record_remove(row, e->ip6);
    record_remove(row, e->mask6);
    record_remove(row, e->set);
}

static bool
take_address(const struct end *e, const char *text, struct record *row)
{
    struct ip ip;
    struct ip mask;

    clear_address(e, row);
    if (text[0] == '@') {
        record_set_text(row, e->set, text);
        return true;
    }
    if (strcmp(text, "any") == 0)
        return true;
    if (!parse_masked(text, &ip, &mask)) {
        ctl_complain(_("'%s' is neither an address, nor a network, nor a @set"), text);
        return false;
    }
    record_set_bool(row, "IsIPv6_bool", ip.family == 6);
    if (ip.family == 6) {
        record_set_bin(row, e->ip6, ip.b, 16);
        record_set_bin(row, e->mask6, mask.b, 16);
    } else {
        record_set_ip(row, e->ip, &ip);
        record_set_ip(row, e->mask, &mask);
    }
    return true;
}

static bool
take_mac(const struct end *e, const char *text, struct record *row)
{
    const char *slash = strchr(text, '/');
    g_autofree char *left = slash ? g_strndup(text, (size_t)(slash - text)) : g_strdup(text);
    bool any = strcmp(text, "any") == 0;
    struct mac mac = {{0}};
    struct mac mask = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

    if (!any && (!mac_parse(left, &mac) || (slash && !mac_parse(slash + 1, &mask)))) {
        ctl_complain(_("'%s' is not a MAC address"), text);
        return false;
    }
    record_set_bool(row, e->check, !any);
    record_set_bin(row, e->mac, mac.b, sizeof(mac.b));
    record_set_bin(row, e->mac_mask, mask.b, any ? 0 : sizeof(mask.b));
    return true;
}

static bool
take_end(const struct end *e, const struct ctl_args *args, struct record *row)
{
    const char *address = ctl_value(args, e->option);
    const char *port = ctl_value(args, e->port_option);
    const char *user = ctl_value(args, e->user_option);
    const char *mac = ctl_value(args, e->mac_option);

    if (user)
        record_set_text(row, e->user, user);
    return (!address || take_address(e, address, row)) &&
           (!port || take_ports(port, e->port_option, e->first, e->last, row)) &&
           (!mac || take_mac(e, mac, row));
}

static bool
take_state(const char *text, struct record *row)
{
    bool established = strcmp(text, "established") == 0;
    bool opening = strcmp(text, "opening") == 0;

    if (!established && !opening && strcmp(text, "any") != 0) {
        ctl_complain(_("%s is established, opening or any"), "--tcp-state");
        return false;
    }
    record_set_bool(row, "CheckTcpState_bool", established || opening);
    record_set_bool(row, "Established_bool", established);
    return true;
}

static bool
take_rule(const struct ctl_args *args, struct record *row)
{
    static const struct ctl_field_option rest[] = {
        {"--priority", "Priority_u32", NULL},
        {"--ipv6", "IsIPv6_bool", "true"},
        {"--delay", "Delay_u32", NULL},
        {"--jitter", "Jitter_u32", NULL},
        {"--loss", "Loss_u32", NULL},
        {"--redirect", "RedirectUrl_str", NULL},
        {"--note", "Note_utf", NULL},
        {"--disabled", "Active_bool", "false"},
        {"--pass", "Discard_bool", "false"},
        {"--discard", "Discard_bool", "true"},
        {NULL, NULL, NULL},
    };
    const char *protocol = ctl_value(args, "--protocol");
    const char *state = ctl_value(args, "--tcp-state");

    return ctl_take_options(rest, args, row) && (!protocol || take_protocol(protocol, row)) &&
           (!state || take_state(state, row)) && take_end(&ends[0], args, row) &&
           take_end(&ends[1], args, row);
}

/* ---- commands ---- */

enum ctl_exit
ctl_run_access_add(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    const char *effect = ctl_arg(args, 1);
    bool discard = strcmp(effect, "discard") == 0;
    g_autoptr(record_t) in = record_new();
    struct record *row = record_append(in, "AccessListSingle");

    if (!discard && strcmp(effect, "pass") != 0)
        return ctl_usage(cmd, _("a rule says either pass or discard"));
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    record_set_bool(row, "Active_bool", true);
    record_set_bool(row, "Discard_bool", discard);
    return take_rule(args, row) ? ctl_change(c, "AddAccess", in) : CTL_USAGE;
}

/* The rule of that number as it is, in a request of its own. NULL after a message. */
static struct record *
rule_now(struct ctl *c, const struct ctl_args *args, enum ctl_exit *result)
{
    const struct rpc_field *fields =
        rpc_field_find(rpc_method_find("SetAccess")->in, "AccessListSingle")->members;
    g_autoptr(record_t) ask = record_new();
    uint32_t id = 0;

    *result = CTL_USAGE;
    if (!ctl_parse_number(ctl_arg(args, 1), _("the number of the rule"), &id))
        return NULL;
    record_set_text(ask, "HubName_str", ctl_arg(args, 0));
    g_autoptr(record_t) all = ctl_call(c, "EnumAccess", ask, NULL, result);
    for (unsigned i = 0; all && i < record_count(all, "AccessList"); i++) {
        const struct record *was = record_at(all, "AccessList", i);
        if (record_u32(was, "Id_u32") != id)
            continue;
        struct record *in = record_new();
        record_copy(in, ask, "HubName_str");
        struct record *row = record_append(in, "AccessListSingle");
        for (unsigned k = 0; fields[k].name; k++)
            record_copy(row, was, fields[k].name);
        return in;
    }
    if (all) {
        ctl_complain(_("hub '%s' has no rule of the number %u"), ctl_arg(args, 0), id);
        *result = CTL_REFUSED;
    }
    return NULL;
}

enum ctl_exit
ctl_run_access_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    enum ctl_exit result;

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    g_autoptr(record_t) in = rule_now(c, args, &result);
    if (!in)
        return result;
    return take_rule(args, record_at(in, "AccessListSingle", 0)) ? ctl_change(c, "SetAccess", in)
                                                                 : CTL_USAGE;
}

/* "enable" and "disable" are the verbs. */
enum ctl_exit
ctl_run_access_switch(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    enum ctl_exit result;
    g_autoptr(record_t) in = rule_now(c, args, &result);

    if (!in)
        return result;
    record_set_bool(record_at(in, "AccessListSingle", 0), "Active_bool",
                    strcmp(cmd->verb, "enable") == 0);
    return ctl_change(c, "SetAccess", in);
}

static bool
take_packet(const struct ctl_args *args, struct record *in)
{
    static const struct ctl_field_option rest[] = {
        {"--src", "SrcIpAddress_ip", NULL},
        {"--dst", "DestIpAddress_ip", NULL},
        {"--src-port", "SrcPort_u32", NULL},
        {"--dst-port", "DestPort_u32", NULL},
        {"--src-user", "SrcUsername_str", NULL},
        {"--dst-user", "DestUsername_str", NULL},
        {"--established", "Established_bool", "true"},
        {NULL, NULL, NULL},
    };
    const char *protocol = ctl_value(args, "--protocol");

    return ctl_take_options(rest, args, in) && (!protocol || take_protocol(protocol, in));
}

enum ctl_exit
ctl_run_access_test(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();
    enum ctl_exit result;
    json_t *raw = NULL;

    if (!ctl_has(args, "--src") || !ctl_has(args, "--dst"))
        return ctl_usage(cmd, _("a packet needs --src and --dst"));
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    if (!take_packet(args, in))
        return CTL_USAGE;
    g_autoptr(record_t) out = ctl_call(c, "TestAccess", in, &raw, &result);
    if (out && c->json) {
        ctl_print_json(raw);
    } else if (out) {
        g_autofree char *words = ctl_format(out, "Rule_utf");
        uint32_t id = record_u32(out, "Id_u32");
        if (id > 0)
            g_print(_("%s, by rule %u: %s\n"), record_text(out, "Verdict_str"), id, words);
        else
            g_print(_("%s: no rule matches\n"), record_text(out, "Verdict_str"));
    }
    json_decref(raw);
    return result;
}

/* ---- from where clients may come ---- */

static bool
add_source(const char *text, bool deny, struct record *in)
{
    const char *colon = strchr(text, ':');
    g_autofree char *number = colon ? g_strndup(text, (size_t)(colon - text)) : NULL;
    uint32_t priority = 0;
    struct ip ip;
    struct ip mask;

    if (!colon || !parse_masked(colon + 1, &ip, &mask)) {
        ctl_complain(_("'%s' is not a priority and a network, like 10:192.0.2.0/24"), text);
        return false;
    }
    if (!ctl_parse_number(number, deny ? "--deny" : "--allow", &priority))
        return false;
    struct record *row = record_append(in, "ACList");
    record_set_u32(row, "Priority_u32", priority);
    record_set_bool(row, "Deny_bool", deny);
    record_set_bool(row, "Masked_bool", true);
    record_set_ip(row, "IpAddress_ip", &ip);
    record_set_ip(row, "SubnetMask_ip", &mask);
    return true;
}

enum ctl_exit
ctl_run_source_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();
    const char *text;

    if (args->names->len == 0)
        return ctl_usage(cmd, _("give the rules, or --clear for none"));
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    record_make_array(in, "ACList");
    for (unsigned i = 0; (text = ctl_value_at(args, "--allow", i)) != NULL; i++)
        if (!add_source(text, false, in))
            return CTL_USAGE;
    for (unsigned i = 0; (text = ctl_value_at(args, "--deny", i)) != NULL; i++)
        if (!add_source(text, true, in))
            return CTL_USAGE;
    return ctl_change(c, "SetAcList", in);
}
