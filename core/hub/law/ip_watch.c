/* SPDX-License-Identifier: Apache-2.0 */
/* ip_watch.c - what a port knows of its addresses, so that it need not ask the table for each
 * frame; see ip_table.h. */

#include "core/hub/fdb.h"
#include "core/hub/law/ip_table.h"
#include "core/net/arp.h"
#include "core/net/dhcp4.h"
#include "core/net/eth.h"
#include "core/net/flow.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/udp.h"

#include <string.h>

enum { ARP_ETHERNET = 0x0001, ARP_AT_SENDER_MAC = 8, ARP_AT_SENDER = 14 };

/* ---- where a frame comes from ---- */

static void
judge4(const uint8_t *at, struct ip_source *out)
{
    out->version = 4;
    uint32_t ip = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    if (ip == 0)
        out->is_probe = true;
    else if (!ip4_is_host(ip))
        out->is_bad = true;
    else
        out->ip = ip_from_v4(ip);
}

static void
judge6(const uint8_t *at, struct ip_source *out)
{
    static const uint8_t none[15];
    out->version = 6;
    if (memcmp(at, none, 15) == 0) { /* :: and ::1 */
        out->is_probe = at[15] == 0;
        out->is_bad = !out->is_probe;
    } else if (at[0] == 0xff) {
        out->is_bad = true;
    } else {
        out->ip.family = 6;
        memcpy(out->ip.b, at, 16);
    }
}

static void
look_at_arp(struct reader in, struct ip_source *out)
{
    struct reader all = in;
    uint16_t hardware = reader_u16(&in);
    uint16_t protocol = reader_u16(&in);
    uint16_t lengths = reader_u16(&in);
    const uint8_t *arp = reader_take(&all, ARP_LEN);
    if (!arp || hardware != ARP_ETHERNET || protocol != ETH_TYPE_IP4 || lengths != 0x0604)
        return;
    out->arp_mac = arp + ARP_AT_SENDER_MAC;
    judge4(arp + ARP_AT_SENDER, out);
}

struct ip_source
ip_source_of(const uint8_t *frame, size_t len)
{
    struct ip_source out = {.ip = {.family = 0}};
    struct reader in = reader_of(frame, len);
    (void)reader_take(&in, 2 * sizeof(struct mac));
    uint16_t type = reader_u16(&in);
    for (unsigned i = 0; i < ETH_TAGS_MAX && eth_type_is_tag(type); i++) {
        (void)reader_take(&in, 2);
        type = reader_u16(&in);
    }
    const uint8_t *ip;
    if (type == ETH_TYPE_IP4) {
        ip = reader_take(&in, IP4_HEADER);
        if (!ip)
            return out;
        judge4(ip + IP4_AT_SRC, &out);
        if (ip[9] == IP_PROTO_UDP) {
            (void)reader_take(&in, (size_t)(ip[0] & 0x0f) * 4 - IP4_HEADER);
            out.is_offer = reader_u16(&in) == DHCP4_SERVER_PORT;
        }
    } else if (type == ETH_TYPE_IP6) {
        ip = reader_take(&in, IP6_HEADER);
        if (ip)
            judge6(ip + IP6_AT_SRC, &out);
    } else if (type == ETH_TYPE_ARP) {
        look_at_arp(in, &out);
    }
    return out;
}

/* ---- leases ---- */

void
ip_snoop(struct ip_table *t, const struct frame *f, uint16_t vlan, uint32_t now_s)
{
    struct flow fl;
    struct dhcp4_message m;
    if (flow_of_frame(f, &fl) != DROP_NONE || fl.version != 4 || fl.l4 == 0 ||
        fl.proto != IP_PROTO_UDP || (fl.flags & FLOW_FRAGMENT))
        return;
    struct reader in = reader_of(f->data, MIN(fl.end, f->len));
    (void)reader_take(&in, (size_t)fl.l4 + UDP_HEADER);
    if (dhcp4_parse(in, &m) != DROP_NONE || !m.reply || m.type != DHCP4_ACK || m.yiaddr == 0)
        return;
    uint32_t lease_s = 0;
    (void)dhcp4_option_u32(&m, DHCP4_OPT_LEASE, &lease_s);
    ip_table_given(t, m.yiaddr, fdb_key(m.chaddr.b, vlan), lease_s, now_s);
}

/* ---- the cache ---- */

void
ip_watch_init(struct ip_watch *w, struct ip_table *t, uint32_t port, int64_t now_us)
{
    *w = (struct ip_watch){.table = t, .port = port, .only_private4 = true, .only_local6 = true};
    rate_init(&w->rate, IP_WATCH_PPS, IP_WATCH_BURST, now_us);
}

/* RFC 1918, RFC 3927 and RFC 6598. */
static bool
is_private4(const uint8_t b[4])
{
    return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
           (b[0] == 169 && b[1] == 254) || (b[0] == 100 && (b[1] & 0xc0) == 64);
}

static bool
is_managed(const struct ip_watch *w, const struct ip *ip)
{
    const struct ip_terms *terms = ip->family == 4 ? &w->v4 : &w->v6;
    if (terms->max > 0 || terms->exclusive || terms->given)
        return true;
    if (ip->family == 4)
        return !w->only_private4 || is_private4(ip->b);
    return !w->only_local6 || (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80);
}

static struct ip_watch_slot *
slot_of(struct ip_watch *w, const struct ip *ip)
{
    const uint8_t *b = ip->b;
    unsigned h = b[0] ^ b[1] ^ b[2] ^ b[3];
    if (ip->family == 6)
        h ^= b[13] ^ b[14] ^ b[15] ^ 0x15u;
    return &w->slot[h % IP_WATCH_SLOTS];
}

enum ip_verdict
ip_watch_see(struct ip_watch *w, const struct ip *ip, ip_station station, int64_t now_us)
{
    struct ip_watch_slot *slot = slot_of(w, ip);
    uint32_t now_s = (uint32_t)(now_us / 1000000);
    if (ip_equal(&slot->ip, ip) && slot->station == station && (int32_t)(slot->until_s - now_s) > 0)
        return IP_FINE;
    if (!is_managed(w, ip))
        return IP_FINE;
    const struct ip_terms *terms = ip->family == 4 ? &w->v4 : &w->v6;
    if (!rate_take(&w->rate, 1, now_us)) /* a scan; who is not limited is not learned just now */
        return terms->max > 0 || terms->exclusive || terms->given ? IP_PORT_FULL : IP_FINE;
    struct ip_claim claim = {.ip = *ip, .station = station, .port = w->port, .terms = *terms};
    enum ip_verdict verdict = ip_table_claim(w->table, &claim, now_s);
    if (verdict == IP_FINE)
        *slot = (struct ip_watch_slot){*ip, station, now_s + IP_WATCH_SURE_S};
    return verdict;
}
