/* SPDX-License-Identifier: Apache-2.0 */
/* packet_log.c - see packet_log.h. */

#include "core/log/packet_log.h"

#include "core/log/packet_note.h"
#include "core/net/dhcp4.h"
#include "core/net/dhcp6.h"
#include "core/net/eth.h"
#include "core/net/ip.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "core/net/wire.h"

#include <string.h>

enum {
    PORT_DNS = 53,
    PORT_IKE = 500,
    PORT_OPENVPN = 1194,
    PORT_IKE_NAT = 4500,
    PORT_MDNS = 5353,
    NOTE_BYTES = 512, /* of a payload that is looked into */
};

/* What a worker leaves; names and bytes are behind it. */
struct packet_record {
    struct flow flow;
    uint32_t len; /* of the packet */
    uint16_t snap;
    uint8_t kind, level;
    uint8_t from_len, to_len;
    bool is_broken, is_flooded;
};

/* ---- kinds ---- */

static bool
is_port(const struct flow *fl, uint16_t port)
{
    return fl->sport == port || fl->dport == port;
}

static bool
is_dhcp(const struct flow *fl)
{
    return fl->version == 4 ? is_port(fl, DHCP4_SERVER_PORT) || is_port(fl, DHCP4_CLIENT_PORT)
                            : is_port(fl, DHCP6_SERVER_PORT) || is_port(fl, DHCP6_CLIENT_PORT);
}

static enum packet_kind
ip_kind(const struct flow *fl, const uint8_t *bytes)
{
    if (fl->l4 == 0) /* a later fragment */
        return PACKET_IP;
    switch (fl->proto) {
    case IP_PROTO_TCP:
        return bytes[fl->l4 + TCP_AT_FLAGS] & (TCP_SYN | TCP_FIN | TCP_RST) ? PACKET_TCP_CONNECT
                                                                            : PACKET_TCP;
    case IP_PROTO_UDP:
        return is_dhcp(fl) ? PACKET_DHCP : PACKET_UDP;
    case IP_PROTO_ICMP:
        return fl->version == 4 ? PACKET_ICMP : PACKET_IP;
    case IP_PROTO_ICMP6:
        return fl->version == 6 ? PACKET_ICMP : PACKET_IP;
    default:
        return PACKET_IP;
    }
}

enum packet_kind
packet_kind_of(const struct packet *p)
{
    if (!p->flow)
        return PACKET_ETHERNET;
    if (p->flow->version != 0)
        return ip_kind(p->flow, p->bytes);
    return p->flow->type == ETH_TYPE_ARP ? PACKET_ARP : PACKET_ETHERNET;
}

static enum packet_level
level_of(const struct packet_levels *levels, enum packet_kind kind)
{
    uint8_t level = levels->of[kind];

    if (kind == PACKET_TCP_CONNECT && levels->of[PACKET_TCP] > level)
        level = levels->of[PACKET_TCP];
    if (kind == PACKET_DHCP && levels->of[PACKET_UDP] > level)
        level = levels->of[PACKET_UDP];
    return level;
}

enum packet_level
packet_level_of(const struct packet_levels *levels, const struct packet *p)
{
    return level_of(levels, packet_kind_of(p));
}

/* ---- on the data path ---- */

/* How much of a packet its line is made from. */
static uint32_t
snap_of(const struct packet *p, enum packet_kind kind, enum packet_level level)
{
    const struct flow *fl = p->flow;
    uint32_t want = 64;

    if (level == PACKET_ALL)
        return MIN(p->len, PACKET_SNAP_MAX);
    if (kind == PACKET_DHCP) {
        want = PACKET_SNAP_MAX;
    } else if (kind == PACKET_TCP || kind == PACKET_TCP_CONNECT) {
        uint32_t body = fl->l4 + (uint32_t)(p->bytes[fl->l4 + TCP_AT_FLAGS - 1] >> 4) * 4;
        bool http = body < p->len && note_may_be_http(reader_of(p->bytes + body, p->len - body));
        want = http ? body + NOTE_BYTES : body;
    } else if (kind == PACKET_UDP) {
        bool known = is_port(fl, PORT_DNS) || is_port(fl, PORT_MDNS) || is_port(fl, PORT_IKE) ||
                     is_port(fl, PORT_IKE_NAT) || is_port(fl, PORT_OPENVPN);
        want = fl->l4 + UDP_HEADER + (known ? NOTE_BYTES : 0);
    } else if (kind == PACKET_ICMP) {
        want = fl->l4 + 64u;
    }
    return MIN(MIN(want, p->len), PACKET_SNAP_MAX);
}

void
packet_log_write(struct log *log, const struct packet_levels *levels, const struct packet *p,
                 int64_t wall_ms)
{
    enum packet_kind kind = packet_kind_of(p);
    enum packet_level level = level_of(levels, kind);

    if (level == PACKET_NONE || p->len < ETH_HEADER)
        return;
    uint32_t snap = snap_of(p, kind, level);
    size_t from_len = strnlen(p->from, PACKET_NAME_MAX);
    size_t to_len = p->to ? strnlen(p->to, PACKET_NAME_MAX) : 0;
    struct packet_record *r =
        log_room(log, sizeof(*r) + from_len + to_len + snap, LOG_INFO, wall_ms);
    if (!r)
        return;
    if (p->flow)
        r->flow = *p->flow;
    else
        memset(&r->flow, 0, sizeof(r->flow));
    r->len = p->len;
    r->snap = (uint16_t)snap;
    r->kind = (uint8_t)kind;
    r->level = (uint8_t)level;
    r->from_len = (uint8_t)from_len;
    r->to_len = (uint8_t)to_len;
    r->is_broken = !p->flow;
    r->is_flooded = !p->to;
    uint8_t *at = (uint8_t *)(r + 1);
    memcpy(at, p->from, from_len);
    if (to_len > 0)
        memcpy(at + from_len, p->to, to_len);
    memcpy(at + from_len + to_len, p->bytes, snap);
    log_push(log);
}

/* ---- lines ---- */

/* A record as the writer sees it. */
struct view {
    const struct packet_record *r;
    struct reader from, to, bytes;
};

/* Columns, one after the other, in text or JSON. */
struct columns {
    struct line *out;
    bool json, first;
};

static void
begin_column(struct columns *c, const char *name)
{
    if (!c->first)
        line_char(c->out, ',');
    c->first = false;
    if (!c->json)
        return;
    line_char(c->out, '"');
    line_str(c->out, name);
    line_str(c->out, "\":");
}

/* Nothing is an empty column, or none at all in JSON. */
static void
no_column(struct columns *c)
{
    if (c->json)
        return;
    begin_column(c, "");
}

static void
quote(struct columns *c)
{
    if (c->json)
        line_char(c->out, '"');
}

static void
name_column(struct columns *c, const char *name, struct reader text)
{
    if (text.left == 0) {
        no_column(c);
        return;
    }
    begin_column(c, name);
    if (c->json)
        line_json(c->out, text.at, text.left);
    else
        line_value(c->out, text.at, text.left);
}

static void
word_column(struct columns *c, const char *name, const char *word)
{
    begin_column(c, name);
    quote(c);
    line_str(c->out, word);
    quote(c);
}

static void
number_column(struct columns *c, const char *name, uint64_t v)
{
    begin_column(c, name);
    line_u64(c->out, v);
}

static void
mac_column(struct columns *c, const char *name, const uint8_t *mac)
{
    begin_column(c, name);
    quote(c);
    line_mac(c->out, mac);
    quote(c);
}

static void
ip_columns(struct columns *c, const struct flow *fl, bool source)
{
    bool has_ports = fl->l4 && (fl->proto == IP_PROTO_TCP || fl->proto == IP_PROTO_UDP);

    if (fl->version == 0) {
        no_column(c);
    } else {
        begin_column(c, source ? "src" : "dst");
        quote(c);
        line_ip(c->out, source ? fl->src : fl->dst, fl->version);
        quote(c);
    }
    if (has_ports)
        number_column(c, source ? "sport" : "dport", source ? fl->sport : fl->dport);
    else
        no_column(c);
}

static void
sequence_columns(struct columns *c, const struct view *v)
{
    const struct flow *fl = &v->r->flow;
    struct reader in = v->bytes;

    if (v->r->kind > PACKET_TCP) {
        no_column(c);
        no_column(c);
        return;
    }
    (void)reader_take(&in, fl->l4 + TCP_AT_SEQ);
    uint32_t seq = reader_u32(&in);
    uint32_t ack = reader_u32(&in);
    number_column(c, "seq", seq);
    number_column(c, "ack", ack);
}

/* The Ethernet type of a packet whose headers are broken, too. */
static uint16_t
type_of(const struct view *v)
{
    struct reader in = v->bytes;

    if (!v->r->is_broken)
        return v->r->flow.type;
    (void)reader_take(&in, ETH_HEADER - 2);
    return reader_u16(&in);
}

/* ---- what it is about ---- */

static const char *
udp_name(const struct flow *fl, bool six)
{
    if (is_port(fl, PORT_DNS) || is_port(fl, PORT_MDNS))
        return six ? "DNSv6" : "DNSv4";
    if (is_port(fl, PORT_IKE) || is_port(fl, PORT_IKE_NAT))
        return six ? "IKE_CONNECTv6" : "IKE_CONNECTv4";
    if (is_port(fl, PORT_OPENVPN))
        return six ? "OPENVPN_CONNECTv6" : "OPENVPN_CONNECTv4";
    return six ? "UDPv6" : "UDPv4";
}

/* is_known: its payload is what the port says. */
static const char *
kind_name(const struct view *v, bool is_known)
{
    const struct flow *fl = &v->r->flow;
    bool six = fl->version == 6;

    switch (v->r->kind) {
    case PACKET_TCP_CONNECT:
        return six ? "TCP_CONNECTv6" : "TCP_CONNECTv4";
    case PACKET_TCP:
        return six ? "TCP_DATAv6" : "TCP_DATAv4";
    case PACKET_DHCP:
        return six ? "DHCPv6" : "DHCPv4";
    case PACKET_UDP:
        return is_known ? udp_name(fl, six) : six ? "UDPv6" : "UDPv4";
    case PACKET_ICMP:
        return six ? "ICMPv6" : "ICMPv4";
    case PACKET_IP:
        if (fl->flags & FLOW_FRAGMENT)
            return six ? "FRAGMENTv6" : "FRAGMENTv4";
        return six ? "IPv6" : "IPv4";
    case PACKET_ARP:
        return "ARPv4";
    default:
        return v->r->is_broken ? "MALFORMED" : "ETHERNET";
    }
}

static struct reader
from_offset(const struct view *v, size_t offset)
{
    struct reader in = v->bytes;

    (void)reader_take(&in, offset);
    return in;
}

static bool
note_tcp_packet(const struct view *v, struct line *note)
{
    struct reader in = from_offset(v, v->r->flow.l4);
    struct tcp tcp;

    note_tcp(in, note);
    return tcp_parse(in, &tcp) == DROP_NONE && note_http(tcp.body, note);
}

static bool
note_udp_packet(const struct view *v, struct line *note)
{
    const struct flow *fl = &v->r->flow;
    struct reader in = from_offset(v, (size_t)fl->l4 + UDP_HEADER);

    if (v->r->kind == PACKET_DHCP)
        return fl->version == 4 ? note_dhcp4(in, note) : note_dhcp6(in, note);
    if (is_port(fl, PORT_DNS) || is_port(fl, PORT_MDNS))
        return note_dns(in, note);
    if (is_port(fl, PORT_IKE) || is_port(fl, PORT_IKE_NAT))
        return note_ike(in, note);
    return is_port(fl, PORT_OPENVPN) && note_openvpn(in, note);
}

/* True when the payload is what it seemed to be. */
static bool
note_of(const struct view *v, struct line *note)
{
    const struct flow *fl = &v->r->flow;

    switch (v->r->kind) {
    case PACKET_TCP_CONNECT:
    case PACKET_TCP:
        return note_tcp_packet(v, note);
    case PACKET_DHCP:
    case PACKET_UDP:
        return note_udp_packet(v, note);
    case PACKET_ICMP:
        return note_icmp(from_offset(v, fl->l4), fl->version, note);
    case PACKET_ARP:
        return note_arp(from_offset(v, ETH_HEADER + (size_t)fl->tags * ETH_TAG), note);
    case PACKET_IP:
        line_str(note, "protocol=");
        line_u64(note, fl->proto);
        return true;
    default:
        return false;
    }
}

/* A note has neither quotes nor control characters: parsers escape them with a backslash, which
 * JSON wants twice. */
static void
note_column(struct columns *c, const struct line *note)
{
    if (note->len == 0 || note->failed) {
        no_column(c);
        return;
    }
    begin_column(c, "note");
    line_char(c->out, '"');
    for (size_t i = 0; i < note->len; i++) {
        if (c->json && note->at[i] == '\\')
            line_char(c->out, '\\');
        line_char(c->out, note->at[i]);
    }
    line_char(c->out, '"');
}

static void
payload_column(struct columns *c, const struct view *v)
{
    if (v->r->level != PACKET_ALL) {
        no_column(c);
        return;
    }
    begin_column(c, "packet");
    quote(c);
    line_hex(c->out, v->bytes.at, v->bytes.left);
    quote(c);
}

/* ---- the whole ---- */

static void
print_columns(const struct view *v, struct columns *c)
{
    struct line note; /* 16 KiB; not cleared */
    const struct flow *fl = &v->r->flow;
    struct reader in = v->bytes;
    const uint8_t *macs = reader_take(&in, 12);

    line_clear(&note);
    bool is_known = note_of(v, &note);
    name_column(c, "from", v->from);
    if (v->r->is_flooded)
        word_column(c, "to", "*");
    else
        name_column(c, "to", v->to);
    mac_column(c, "src_mac", macs + 6);
    mac_column(c, "dst_mac", macs);
    begin_column(c, "type");
    quote(c);
    line_hex_u32(c->out, type_of(v), 4);
    quote(c);
    number_column(c, "size", v->r->len);
    word_column(c, "kind", kind_name(v, is_known));
    ip_columns(c, fl, true);
    ip_columns(c, fl, false);
    sequence_columns(c, v);
    note_column(c, &note);
    payload_column(c, v);
}

static void
print(const void *record, size_t len, enum log_level level, int64_t wall_ms, enum log_style style,
      struct line *out)
{
    const struct packet_record *r = record;
    struct reader in = reader_of(record, len);
    struct view v = {.r = r};
    struct columns c = {.out = out, .json = style == LOG_STYLE_JSON, .first = true};

    (void)level;
    (void)reader_take(&in, sizeof(*r));
    v.from = reader_sub(&in, r->from_len);
    v.to = reader_sub(&in, r->to_len);
    v.bytes = reader_sub(&in, r->snap);
    if (!reader_ok(&v.bytes) || v.bytes.left < ETH_HEADER)
        return;
    if (c.json)
        line_char(out, '{');
    if (style != LOG_STYLE_BARE) {
        begin_column(&c, "time");
        quote(&c);
        line_stamp(out, wall_ms);
        quote(&c);
    }
    print_columns(&v, &c);
    if (c.json)
        line_char(out, '}');
}

const char *
packet_log_columns(void)
{
    return "time,from,to,src_mac,dst_mac,type,size,kind,src,sport,dst,dport,seq,ack,note,packet";
}

const struct log_format packet_log_format = {.print = print};
