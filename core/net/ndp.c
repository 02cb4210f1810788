/* SPDX-License-Identifier: Apache-2.0 */
/* ndp.c - see ndp.h. Section numbers are RFC 4861's.
 *
 * An option that is not known, or whose length is not that of its kind, is stepped over (4.6); one
 * of length zero makes the whole message worthless (6.1, 7.1).
 */

#include "core/net/ndp.h"

#include "core/net/checksum.h"
#include "core/net/icmp.h"
#include "core/net/ip.h"
#include "core/net/wire.h"

#include <string.h>

enum {
    HOP_LIMIT = 255, /* whoever sends less is not on this link */
    UNIT = 8,        /* of option lengths */
    IP_LEN = 16,
    AT_CHECKSUM = 2,
};

enum { OPT_SOURCE_MAC = 1, OPT_TARGET_MAC = 2, OPT_PREFIX = 3, OPT_MTU = 5, OPT_DNS = 25 };
enum { RA_MANAGED = 0x80, RA_OTHER = 0x40 };
enum { PREFIX_ON_LINK = 0x80, PREFIX_AUTONOMOUS = 0x40 };

/* ---- parsing ---- */

struct option {
    uint8_t type;
    struct reader body; /* without type and length */
};

/* False at the end, or when what is left is no option: then r has failed. */
static bool
next_option(struct reader *r, struct option *out)
{
    if (!reader_ok(r) || r->left == 0)
        return false;
    out->type = reader_u8(r);
    size_t len = (size_t)reader_u8(r) * UNIT;
    if (len == 0) {
        reader_fail(r);
        return false;
    }
    out->body = reader_sub(r, len - 2);
    return reader_ok(r);
}

static void
read_mac(struct reader body, bool *has_mac, struct mac *mac)
{
    if (body.left != sizeof(mac->b))
        return;
    reader_copy(&body, mac->b, sizeof(mac->b));
    *has_mac = true;
}

/* The code and the checksum, which the caller has judged, behind a type that is as it should be. */
static enum drop
read_head(struct reader *r, uint8_t hop_limit, uint8_t *type)
{
    *type = reader_u8(r);
    uint8_t code = reader_u8(r);
    (void)reader_u16(r);
    if (!reader_ok(r))
        return DROP_SHORT;
    return hop_limit == HOP_LIMIT && code == 0 ? DROP_NONE : DROP_MALFORMED;
}

enum drop
ndp_parse_neighbour(struct reader icmp, uint8_t hop_limit, struct ndp_neighbour *out)
{
    struct ndp_neighbour n = {0};
    struct option opt;
    uint8_t type;
    enum drop why = read_head(&icmp, hop_limit, &type);

    if (why != DROP_NONE)
        return why;
    if (type != ICMP6_NEIGHBOUR_SOLICITATION && type != ICMP6_NEIGHBOUR_ADVERTISEMENT)
        return DROP_MALFORMED;
    n.advertisement = type == ICMP6_NEIGHBOUR_ADVERTISEMENT;
    uint8_t flags = reader_u8(&icmp);
    (void)reader_take(&icmp, 3);
    reader_copy(&icmp, n.target, IP_LEN);
    if (!reader_ok(&icmp))
        return DROP_SHORT;
    if (n.target[0] == 0xff) /* 7.1.1, 7.1.2 */
        return DROP_MALFORMED;
    if (n.advertisement)
        n.flags = flags & (NDP_NA_ROUTER | NDP_NA_SOLICITED | NDP_NA_OVERRIDE);
    while (next_option(&icmp, &opt)) {
        if (opt.type == (n.advertisement ? OPT_TARGET_MAC : OPT_SOURCE_MAC) && !n.has_mac)
            read_mac(opt.body, &n.has_mac, &n.mac);
    }
    if (!reader_ok(&icmp))
        return DROP_MALFORMED;

    *out = n;
    return DROP_NONE;
}

enum drop
ndp_parse_router_solicitation(struct reader icmp, uint8_t hop_limit, bool *has_mac, struct mac *mac)
{
    struct mac from = {{0}};
    bool has = false;
    struct option opt;
    uint8_t type;
    enum drop why = read_head(&icmp, hop_limit, &type);

    if (why != DROP_NONE)
        return why;
    if (type != ICMP6_ROUTER_SOLICITATION)
        return DROP_MALFORMED;
    (void)reader_u32(&icmp);
    if (!reader_ok(&icmp))
        return DROP_SHORT;
    while (next_option(&icmp, &opt)) {
        if (opt.type == OPT_SOURCE_MAC && !has)
            read_mac(opt.body, &has, &from);
    }
    if (!reader_ok(&icmp))
        return DROP_MALFORMED;

    *has_mac = has;
    *mac = from;
    return DROP_NONE;
}

static void
read_prefix(struct reader body, struct ndp_router_advertisement *ra)
{
    struct ndp_prefix p = {0};

    if (ra->n_prefix == NDP_PREFIX_MAX || body.left != 30) /* 4.6.2 */
        return;
    p.len = reader_u8(&body);
    uint8_t flags = reader_u8(&body);
    p.on_link = flags & PREFIX_ON_LINK;
    p.autonomous = flags & PREFIX_AUTONOMOUS;
    p.valid_s = reader_u32(&body);
    p.preferred_s = reader_u32(&body);
    (void)reader_u32(&body);
    reader_copy(&body, p.prefix, IP_LEN);
    if (p.len <= 128 && p.prefix[0] != 0xff)
        ra->prefix[ra->n_prefix++] = p;
}

static void
read_mtu(struct reader body, struct ndp_router_advertisement *ra)
{
    if (body.left != 6) /* 4.6.4 */
        return;
    (void)reader_u16(&body);
    ra->mtu = reader_u32(&body);
}

/* RFC 8106, 5.1. Servers with no lifetime left are not to be used. */
static void
read_dns(struct reader body, struct ndp_router_advertisement *ra)
{
    (void)reader_u16(&body);
    uint32_t lifetime_s = reader_u32(&body);
    if (!reader_ok(&body) || body.left % IP_LEN != 0 || lifetime_s == 0)
        return;
    while (body.left > 0 && ra->n_dns < NDP_DNS_MAX) {
        if (ra->n_dns == 0 || lifetime_s < ra->dns_lifetime_s)
            ra->dns_lifetime_s = lifetime_s;
        reader_copy(&body, ra->dns[ra->n_dns++], IP_LEN);
    }
}

enum drop
ndp_parse_router_advertisement(struct reader icmp, uint8_t hop_limit,
                               struct ndp_router_advertisement *out)
{
    struct ndp_router_advertisement ra = {0};
    struct option opt;
    uint8_t type;
    enum drop why = read_head(&icmp, hop_limit, &type);

    if (why != DROP_NONE)
        return why;
    if (type != ICMP6_ROUTER_ADVERTISEMENT)
        return DROP_MALFORMED;
    ra.hop_limit = reader_u8(&icmp);
    uint8_t flags = reader_u8(&icmp);
    ra.managed = flags & RA_MANAGED;
    ra.other = flags & RA_OTHER;
    ra.lifetime_s = reader_u16(&icmp);
    ra.reachable_ms = reader_u32(&icmp);
    ra.retrans_ms = reader_u32(&icmp);
    if (!reader_ok(&icmp))
        return DROP_SHORT;
    while (next_option(&icmp, &opt)) {
        if (opt.type == OPT_SOURCE_MAC && !ra.has_mac)
            read_mac(opt.body, &ra.has_mac, &ra.mac);
        else if (opt.type == OPT_PREFIX)
            read_prefix(opt.body, &ra);
        else if (opt.type == OPT_MTU)
            read_mtu(opt.body, &ra);
        else if (opt.type == OPT_DNS)
            read_dns(opt.body, &ra);
    }
    if (!reader_ok(&icmp))
        return DROP_MALFORMED;

    *out = ra;
    return DROP_NONE;
}

/* ---- writing ---- */

static void
write_head(struct writer *w, uint8_t type)
{
    writer_u8(w, type);
    writer_u8(w, 0);
    writer_u16(w, 0);
}

static void
write_mac(struct writer *w, uint8_t option, const struct mac *mac)
{
    writer_u8(w, option);
    writer_u8(w, 1);
    writer_bytes(w, mac->b, sizeof(mac->b));
}

/* The checksum of the message that starts at mark. */
static void
finish(struct writer *w, size_t mark, const uint8_t src[16], const uint8_t dst[16])
{
    if (!writer_ok(w))
        return;
    uint8_t *at = w->start + mark;
    size_t len = w->len - mark;
    uint64_t sum = csum_pseudo6(src, dst, IP_PROTO_ICMP6, (uint32_t)len);

    wire_put16(at + AT_CHECKSUM, csum_finish(csum_add(sum, at, len)));
}

void
ndp_write_neighbour(struct writer *w, const struct ndp_neighbour *n, const uint8_t src[16],
                    const uint8_t dst[16])
{
    size_t mark = w->len;

    write_head(w, n->advertisement ? ICMP6_NEIGHBOUR_ADVERTISEMENT : ICMP6_NEIGHBOUR_SOLICITATION);
    writer_u32(w, n->advertisement ? (uint32_t)n->flags << 24 : 0);
    writer_bytes(w, n->target, IP_LEN);
    if (n->has_mac)
        write_mac(w, n->advertisement ? OPT_TARGET_MAC : OPT_SOURCE_MAC, &n->mac);
    finish(w, mark, src, dst);
}

void
ndp_write_router_solicitation(struct writer *w, const struct mac *mac, const uint8_t src[16],
                              const uint8_t dst[16])
{
    size_t mark = w->len;

    write_head(w, ICMP6_ROUTER_SOLICITATION);
    writer_u32(w, 0);
    if (mac)
        write_mac(w, OPT_SOURCE_MAC, mac);
    finish(w, mark, src, dst);
}

static void
write_prefix(struct writer *w, const struct ndp_prefix *p)
{
    writer_u8(w, OPT_PREFIX);
    writer_u8(w, 4);
    writer_u8(w, p->len);
    writer_u8(
        w, (uint8_t)((p->on_link ? PREFIX_ON_LINK : 0) | (p->autonomous ? PREFIX_AUTONOMOUS : 0)));
    writer_u32(w, p->valid_s);
    writer_u32(w, p->preferred_s);
    writer_u32(w, 0);
    writer_bytes(w, p->prefix, IP_LEN);
}

void
ndp_write_router_advertisement(struct writer *w, const struct ndp_router_advertisement *ra,
                               const uint8_t src[16], const uint8_t dst[16])
{
    size_t mark = w->len;

    write_head(w, ICMP6_ROUTER_ADVERTISEMENT);
    writer_u8(w, ra->hop_limit);
    writer_u8(w, (uint8_t)((ra->managed ? RA_MANAGED : 0) | (ra->other ? RA_OTHER : 0)));
    writer_u16(w, ra->lifetime_s);
    writer_u32(w, ra->reachable_ms);
    writer_u32(w, ra->retrans_ms);
    if (ra->has_mac)
        write_mac(w, OPT_SOURCE_MAC, &ra->mac);
    if (ra->mtu > 0) {
        writer_u8(w, OPT_MTU);
        writer_u8(w, 1);
        writer_u16(w, 0);
        writer_u32(w, ra->mtu);
    }
    for (unsigned i = 0; i < ra->n_prefix; i++)
        write_prefix(w, &ra->prefix[i]);
    if (ra->n_dns > 0) {
        writer_u8(w, OPT_DNS);
        writer_u8(w, (uint8_t)(1 + 2 * ra->n_dns));
        writer_u16(w, 0);
        writer_u32(w, ra->dns_lifetime_s);
        writer_bytes(w, ra->dns, (size_t)ra->n_dns * IP_LEN);
    }
    finish(w, mark, src, dst);
}

/* ---- addresses ---- */

void
ndp_solicited_node(const uint8_t ip[16], uint8_t out[16])
{
    static const uint8_t prefix[13] = {0xff, 2, [11] = 1, [12] = 0xff};
    uint8_t low[3] = {ip[13], ip[14], ip[15]}; /* ip may be out */

    memcpy(out, prefix, sizeof(prefix));
    memcpy(out + sizeof(prefix), low, sizeof(low));
}

void
ndp_multicast_mac(const uint8_t ip[16], struct mac *out)
{
    *out = (struct mac){{0x33, 0x33, ip[12], ip[13], ip[14], ip[15]}};
}

void
ndp_interface_id(const struct mac *mac, uint8_t out[8])
{
    const uint8_t id[8] = {mac->b[0] ^ 2, mac->b[1], mac->b[2], 0xff,
                           0xfe,          mac->b[3], mac->b[4], mac->b[5]};

    memcpy(out, id, sizeof(id));
}

void
ndp_link_local(const struct mac *mac, uint8_t out[16])
{
    static const uint8_t prefix[8] = {0xfe, 0x80};

    memcpy(out, prefix, sizeof(prefix));
    ndp_interface_id(mac, out + sizeof(prefix));
}
