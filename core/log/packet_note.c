/* SPDX-License-Identifier: Apache-2.0 */
/* packet_note.c - see packet_note.h. */

#include "core/log/packet_note.h"

#include "core/net/arp.h"
#include "core/net/dhcp4.h"
#include "core/net/dhcp6.h"
#include "core/net/icmp.h"
#include "core/net/tcp.h"
#include "core/net/wire.h"

#include <glib.h>

#include <string.h>

enum { VALUE_MAX = 256, HTTP_LINES = 32, DNS_HEADER = 12, DNS_LABELS = 64, DNS_LABEL = 63 };

/* ---- values ---- */

static void
key(struct line *out, const char *name)
{
    if (out->len > 0)
        line_char(out, ' ');
    line_str(out, name);
    line_char(out, '=');
}

/* What peers wrote, without anything that could be taken for the end of the value. */
static void
put_safe(struct line *out, const uint8_t *text, size_t len)
{
    size_t n = MIN(len, VALUE_MAX);

    for (size_t i = 0; i < n; i++) {
        if (text[i] > ' ' && text[i] < 0x7f && text[i] != '"' && text[i] != '\\') {
            line_char(out, (char)text[i]);
        } else {
            line_str(out, "\\x");
            line_hex(out, text + i, 1);
        }
    }
    if (n < len)
        line_str(out, "...");
}

static void
key_safe(struct line *out, const char *name, const uint8_t *text, size_t len)
{
    key(out, name);
    put_safe(out, text, len);
}

static void
key_word(struct line *out, const char *name, const char *word)
{
    key(out, name);
    line_str(out, word);
}

static void
key_number(struct line *out, const char *name, uint64_t v)
{
    key(out, name);
    line_u64(out, v);
}

static void
key_ip4(struct line *out, const char *name, uint32_t v)
{
    uint8_t b[4];

    if (v == 0)
        return;
    wire_put32(b, v);
    key(out, name);
    line_ip(out, b, 4);
}

static void
key_mac(struct line *out, const char *name, const struct mac *mac)
{
    key(out, name);
    line_mac(out, mac->b);
}

/* A name of a table, or the number where it has none. */
static void
key_named(struct line *out, const char *name, unsigned v, const char *const *names, size_t n)
{
    if (v < n && names[v])
        key_word(out, name, names[v]);
    else
        key_number(out, name, v);
}

/* ---- TCP and HTTP ---- */

void
note_tcp(struct reader in, struct line *out)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } flags[] = {{TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"},
                 {TCP_ACK, "ACK"}, {TCP_URG, "URG"}, {TCP_ECE, "ECE"}, {TCP_CWR, "CWR"}};
    struct tcp tcp;
    bool first = true;

    if (tcp_parse(in, &tcp) != DROP_NONE)
        return;
    key(out, "flags");
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (!(tcp.flags & flags[i].bit))
            continue;
        if (!first)
            line_char(out, '+');
        line_str(out, flags[i].name);
        first = false;
    }
    if (first)
        line_char(out, '-');
    key_number(out, "window", tcp.window);
}

static const char *const methods[] = {"GET ",     "POST ",    "HEAD ",  "PUT ",  "DELETE ",
                                      "OPTIONS ", "CONNECT ", "TRACE ", "PATCH "};

static size_t
method_len(struct reader in)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        size_t n = strlen(methods[i]);
        if (in.left >= n && memcmp(in.at, methods[i], n) == 0)
            return n - 1;
    }
    return 0;
}

bool
note_may_be_http(struct reader in)
{
    return method_len(in) > 0;
}

/* Up to the end of a line, or to where the packet was cut. */
static struct reader
take_line(struct reader *in)
{
    const uint8_t *end = in->left > 0 ? memchr(in->at, '\n', in->left) : NULL;
    struct reader line = reader_sub(in, end ? (size_t)(end - in->at) : in->left);

    if (end)
        (void)reader_take(in, 1);
    if (line.left > 0 && line.at[line.left - 1] == '\r')
        line.left--;
    return line;
}

static bool
take_header(struct reader line, const char *name, struct reader *value)
{
    size_t n = strlen(name);

    if (line.left < n || g_ascii_strncasecmp((const char *)line.at, name, n) != 0)
        return false;
    (void)reader_take(&line, n);
    while (line.left > 0 && (*line.at == ' ' || *line.at == '\t'))
        (void)reader_take(&line, 1);
    *value = line;
    return true;
}

bool
note_http(struct reader in, struct line *out)
{
    struct reader line = take_line(&in);
    size_t n = method_len(line);
    struct reader value;

    if (n == 0)
        return false;
    key_safe(out, "method", reader_take(&line, n), n);
    (void)reader_take(&line, 1);
    const uint8_t *space = line.left > 0 ? memchr(line.at, ' ', line.left) : NULL;
    key_safe(out, "url", line.at, space ? (size_t)(space - line.at) : line.left);
    for (unsigned i = 0; i < HTTP_LINES && in.left > 0; i++) {
        line = take_line(&in);
        if (line.left == 0)
            break;
        if (take_header(line, "host:", &value))
            key_safe(out, "host", value.at, value.left);
        else if (take_header(line, "user-agent:", &value))
            key_safe(out, "agent", value.at, value.left);
    }
    return true;
}

/* ---- DNS (RFC 1035, 4.1) ---- */

/* The labels of a question, which has no pointers. False: it is none. */
static bool
skip_name(struct reader *in)
{
    for (unsigned i = 0; i < DNS_LABELS; i++) {
        uint8_t n = reader_u8(in);
        if (n == 0 || n > DNS_LABEL || !reader_take(in, n))
            return reader_ok(in) && n == 0;
    }
    return false;
}

static void
put_name(struct reader in, struct line *out)
{
    uint8_t n = reader_u8(&in);

    key(out, "name");
    if (n == 0)
        line_char(out, '.');
    for (unsigned i = 0; i < DNS_LABELS && n > 0; i++) {
        const uint8_t *label = reader_take(&in, n);
        if (!label)
            return;
        if (i > 0)
            line_char(out, '.');
        put_safe(out, label, n);
        n = reader_u8(&in);
    }
}

bool
note_dns(struct reader in, struct line *out)
{
    static const char *const types[] = {
        [1] = "A",    [2] = "NS",    [5] = "CNAME", [6] = "SOA",   [12] = "PTR",  [15] = "MX",
        [16] = "TXT", [28] = "AAAA", [33] = "SRV",  [64] = "SVCB", [65] = "HTTPS"};
    uint16_t id = reader_u16(&in);
    uint16_t flags = reader_u16(&in);
    uint16_t questions = reader_u16(&in);
    uint16_t answers = reader_u16(&in);

    (void)reader_take(&in, DNS_HEADER - 8);
    struct reader name = in;
    if (questions != 1 || !skip_name(&in))
        return false;
    uint16_t type = reader_u16(&in);
    (void)reader_u16(&in);
    if (!reader_ok(&in))
        return false;
    key_word(out, "dns", flags & 0x8000 ? "answer" : "question");
    key_number(out, "id", id);
    key_named(out, "type", type, types, ARRAY_LEN(types));
    put_name(name, out);
    if (flags & 0x8000) {
        key_number(out, "answers", answers);
        key_number(out, "code", flags & 15);
    }
    return true;
}

/* ---- DHCP ---- */

bool
note_dhcp4(struct reader in, struct line *out)
{
    static const char *const types[] = {NULL,  "DISCOVER", "OFFER",   "REQUEST", "DECLINE",
                                        "ACK", "NAK",      "RELEASE", "INFORM"};
    struct dhcp4_message m;
    uint8_t name[DHCP4_OPTION_MAX];
    uint32_t v = 0;

    if (dhcp4_parse(in, &m) != DROP_NONE)
        return false;
    key_named(out, "dhcp", (unsigned)m.type, types, ARRAY_LEN(types));
    key(out, "xid");
    line_hex_u32(out, m.xid, 8);
    key_mac(out, "client", &m.chaddr);
    key_ip4(out, "ciaddr", m.ciaddr);
    key_ip4(out, "yiaddr", m.yiaddr);
    key_ip4(out, "giaddr", m.giaddr);
    if (dhcp4_option_u32(&m, DHCP4_OPT_ADDRESS, &v))
        key_ip4(out, "asked", v);
    if (dhcp4_option_u32(&m, DHCP4_OPT_SERVER, &v))
        key_ip4(out, "server", v);
    if (dhcp4_option_u32(&m, DHCP4_OPT_MASK, &v))
        key_ip4(out, "mask", v);
    if (dhcp4_option_u32(&m, DHCP4_OPT_LEASE, &v))
        key_number(out, "lease", v);
    int n = dhcp4_option(&m, DHCP4_OPT_HOSTNAME, name, sizeof(name));
    if (n > 0)
        key_safe(out, "host", name, (size_t)n);
    return true;
}

bool
note_dhcp6(struct reader in, struct line *out)
{
    static const char *const types[] = {NULL,      "SOLICIT", "ADVERTISE",   "REQUEST",
                                        "CONFIRM", "RENEW",   "REBIND",      "REPLY",
                                        "RELEASE", "DECLINE", "RECONFIGURE", "INFORMATION-REQUEST"};
    struct dhcp6_message m;
    struct reader id;

    if (dhcp6_parse(in, &m) != DROP_NONE)
        return false;
    key_named(out, "dhcp6", m.type, types, ARRAY_LEN(types));
    key(out, "xid");
    line_hex_u32(out, m.transaction, 6);
    if (dhcp6_find_option(m.options, DHCP6_OPT_CLIENT_ID, &id)) {
        key(out, "client");
        line_hex(out, id.at, MIN(id.left, DHCP6_DUID_MAX));
    }
    return true;
}

/* ---- other tunnels ---- */

/* RFC 2408, 3.1 and RFC 7296, 3.1; behind the marker of RFC 3948 on port 4500. */
bool
note_ike(struct reader in, struct line *out)
{
    static const char *const exchanges[] = {
        [2] = "main",         [4] = "aggressive", [5] = "informational",    [32] = "quick",
        [34] = "IKE_SA_INIT", [35] = "IKE_AUTH",  [36] = "CREATE_CHILD_SA", [37] = "INFORMATIONAL"};
    struct reader ahead = in;

    if (reader_u32(&ahead) == 0)
        in = ahead;
    const uint8_t *cookies = reader_take(&in, 16);
    (void)reader_u8(&in); /* next payload */
    uint8_t version = reader_u8(&in);
    uint8_t exchange = reader_u8(&in);
    (void)reader_u8(&in);
    uint32_t message = reader_u32(&in);
    (void)reader_u32(&in);
    if (!cookies || !reader_ok(&in) || (version >> 4 != 1 && version >> 4 != 2))
        return false;
    key_number(out, "ike", version >> 4);
    key_named(out, "exchange", exchange, exchanges, ARRAY_LEN(exchanges));
    key(out, "initiator");
    line_hex(out, cookies, 8);
    key(out, "responder");
    line_hex(out, cookies + 8, 8);
    key(out, "message");
    line_hex_u32(out, message, 8);
    return true;
}

/* Only what opens a connection: data packets would be noise. */
bool
note_openvpn(struct reader in, struct line *out)
{
    static const char *const opcodes[] = {[1] = "HARD_RESET_CLIENT_V1",
                                          [2] = "HARD_RESET_SERVER_V1",
                                          [7] = "HARD_RESET_CLIENT_V2",
                                          [8] = "HARD_RESET_SERVER_V2",
                                          [10] = "HARD_RESET_CLIENT_V3"};
    unsigned opcode = reader_u8(&in) >> 3;
    const uint8_t *session = reader_take(&in, 8);

    if (!session || opcode >= ARRAY_LEN(opcodes) || !opcodes[opcode])
        return false;
    key_word(out, "openvpn", opcodes[opcode]);
    key(out, "session");
    line_hex(out, session, 8);
    return true;
}

/* ---- ICMP and ARP ---- */

bool
note_icmp(struct reader in, unsigned version, struct line *out)
{
    static const char *const types4[] = {[0] = "echo-reply",
                                         [3] = "unreachable",
                                         [4] = "source-quench",
                                         [5] = "redirect",
                                         [8] = "echo",
                                         [9] = "router-advertisement",
                                         [10] = "router-solicitation",
                                         [11] = "time-exceeded",
                                         [12] = "parameter-problem"};
    static const char *const types6[] = {[1] = "unreachable",
                                         [2] = "too-big",
                                         [3] = "time-exceeded",
                                         [4] = "parameter-problem",
                                         [128] = "echo",
                                         [129] = "echo-reply",
                                         [133] = "router-solicitation",
                                         [134] = "router-advertisement",
                                         [135] = "neighbour-solicitation",
                                         [136] = "neighbour-advertisement",
                                         [137] = "redirect"};
    struct icmp icmp;

    if (icmp_parse(in, &icmp) != DROP_NONE)
        return false;
    if (version == 6)
        key_named(out, "icmp", icmp.type, types6, ARRAY_LEN(types6));
    else
        key_named(out, "icmp", icmp.type, types4, ARRAY_LEN(types4));
    key_number(out, "code", icmp.code);
    bool is_echo = version == 6 ? icmp.type == ICMP6_ECHO || icmp.type == ICMP6_ECHO_REPLY
                                : icmp.type == ICMP4_ECHO || icmp.type == ICMP4_ECHO_REPLY;
    if (is_echo) {
        key_number(out, "id", icmp.rest >> 16);
        key_number(out, "seq", icmp.rest & 0xffff);
    }
    const uint8_t *target = version == 6 && (icmp.type == ICMP6_NEIGHBOUR_SOLICITATION ||
                                             icmp.type == ICMP6_NEIGHBOUR_ADVERTISEMENT)
                                ? reader_take(&icmp.body, 16)
                                : NULL;
    if (target) {
        key(out, "target");
        line_ip(out, target, 6);
    }
    return true;
}

bool
note_arp(struct reader in, struct line *out)
{
    static const char *const ops[] = {[ARP_REQUEST] = "request", [ARP_REPLY] = "reply"};
    struct arp arp;

    if (arp_parse(in, &arp) != DROP_NONE)
        return false;
    key_named(out, "arp", arp.op, ops, ARRAY_LEN(ops));
    key_mac(out, "sender", &arp.sender_mac);
    key_ip4(out, "sender_ip", arp.sender);
    key_mac(out, "target", &arp.target_mac);
    key_ip4(out, "target_ip", arp.target);
    return true;
}
