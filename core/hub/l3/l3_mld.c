/* SPDX-License-Identifier: Apache-2.0 */
/* l3_mld.c - tells switches that snoop which multicast groups the port listens to (RFC 3810): the
 * solicited-node groups of its addresses. Without that some would not pass on that neighbours look
 * for it. Reports go out with each new address, and in answer to queries, a little later.
 *
 * Only for addresses that the port got for a client: others report themselves.
 */

#include "core/base/random.h"
#include "core/hub/l3/l3_priv.h"
#include "core/net/checksum.h"

#include <string.h>

enum {
    QUERY = 130,
    REPORT = 143,
    MODE_IS_EXCLUDE = 2, /* records: listens, and not just since now */
    RECORD = 20,
    GROUPS_MAX = 3,
    QUERY_MIN = 24,
    DELAY_MAX_MS = 1000, /* queriers wait ten seconds, if they do not say otherwise */
};

static const uint8_t reports_go_to[16] = {0xff, 2, [15] = 0x16};
/* A hop-by-hop header with the router alert option (5.1.14, 5.2). */
static const uint8_t alert[8] = {IP_PROTO_ICMP6, 0, 5, 2, 0, 0, 1, 0};

static unsigned
add_group(uint8_t groups[GROUPS_MAX][16], unsigned n, const uint8_t ip[16])
{
    ndp_solicited_node(ip, groups[n]);
    for (unsigned i = 0; i < n; i++) {
        if (memcmp(groups[i], groups[n], 16) == 0)
            return n;
    }
    return n + 1;
}

void
l3_mld_report(struct l3port *p, int64_t now_us)
{
    uint8_t groups[GROUPS_MAX][16];
    uint8_t bytes[sizeof(alert) + 8 + GROUPS_MAX * RECORD];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ip6 ip = {.next = IP_PROTO_HOP_BY_HOP, .hop_limit = 1};
    struct mac to;
    unsigned n = add_group(groups, 0, p->ip6.link_local);

    if (p->a.has6)
        n = add_group(groups, n, p->a.ip6);
    if (p->ip6.tested_from != L3_V6_NOWHERE)
        n = add_group(groups, n, p->ip6.tested);
    writer_bytes(&w, alert, sizeof(alert));
    writer_u8(&w, REPORT);
    writer_zero(&w, 5); /* checksum among them */
    writer_u16(&w, (uint16_t)n);
    for (unsigned i = 0; i < n; i++) {
        writer_u8(&w, MODE_IS_EXCLUDE);
        writer_zero(&w, 3);
        writer_bytes(&w, groups[i], 16);
    }
    if (!writer_ok(&w))
        return;
    memcpy(ip.src, p->ip6.link_local, sizeof(ip.src));
    memcpy(ip.dst, reports_go_to, sizeof(ip.dst));
    uint8_t *message = bytes + sizeof(alert);
    size_t len = w.len - sizeof(alert);
    uint64_t sum = csum_pseudo6(ip.src, ip.dst, IP_PROTO_ICMP6, (uint32_t)len);
    wire_put16(message + 2, csum_finish(csum_add(sum, message, len)));
    ndp_multicast_mac(ip.dst, &to);
    l3_up6(p, &ip, &to, reader_of(bytes, w.len), now_us);
}

bool
l3_is_mld_query(const struct ip6 *ip)
{
    struct ip6_upper up;

    return ip->hop_limit == 1 && l3_is_link_local(ip->src) && ip6_walk(ip, &up) == DROP_NONE &&
           up.proto == IP_PROTO_ICMP6 && up.fragment_offset == 0 && up.body.left >= QUERY_MIN &&
           up.body.at[0] == QUERY;
}

int64_t
l3_mld_answer_us(int64_t now_us)
{
    return now_us + random_range(0, DELAY_MAX_MS) * INT64_C(1000);
}
