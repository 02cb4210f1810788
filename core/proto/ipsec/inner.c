/* SPDX-License-Identifier: Apache-2.0 */
/* inner.c - see inner.h. */

#include "core/proto/ipsec/inner.h"

#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/udp.h"

#include <string.h>

enum { IN_IPV4 = 4, IN_IPV6 = 41 };

static enum drop
read_payload(struct reader in, uint8_t protocol, struct ipsec_inner *out)
{
    struct udp udp;

    out->protocol = protocol;
    if (protocol == CARRIER_ETHERIP || protocol == CARRIER_L2TPV3) {
        out->payload = in;
        return DROP_NONE;
    }
    if (protocol != CARRIER_UDP)
        return DROP_POLICY;
    enum drop why = udp_parse(in, &udp);
    if (why != DROP_NONE)
        return why;
    out->remote_port = udp.sport;
    out->local_port = udp.dport;
    out->payload = udp.body;
    return udp.dport == CARRIER_L2TP_PORT ? DROP_NONE : DROP_POLICY;
}

static enum drop
read_ip4(struct reader in, struct ipsec_inner *out)
{
    struct ip4 ip;
    enum drop why = ip4_parse(in, &ip);

    if (why != DROP_NONE)
        return why;
    out->src = ip_from_v4(ip.src);
    out->dst = ip_from_v4(ip.dst);
    out->protocol = ip.proto;
    out->is_fragment = ip4_is_fragment(&ip);
    return out->is_fragment ? DROP_NONE : read_payload(ip.body, ip.proto, out);
}

static enum drop
read_ip6(struct reader in, struct ipsec_inner *out)
{
    struct ip6 ip;
    struct ip6_upper upper;
    enum drop why = ip6_parse(in, &ip);

    if (why == DROP_NONE)
        why = ip6_walk(&ip, &upper);
    if (why != DROP_NONE)
        return why;
    out->src.family = out->dst.family = 6;
    memcpy(out->src.b, ip.src, sizeof(ip.src));
    memcpy(out->dst.b, ip.dst, sizeof(ip.dst));
    out->protocol = upper.proto;
    out->is_fragment = upper.is_fragment;
    return out->is_fragment ? DROP_NONE : read_payload(upper.body, upper.proto, out);
}

enum drop
ipsec_inner_read(struct reader in, uint8_t next_header, struct ipsec_inner *out)
{
    *out = (struct ipsec_inner){0};
    if (next_header == IN_IPV4)
        return read_ip4(in, out);
    if (next_header == IN_IPV6)
        return read_ip6(in, out);
    return read_payload(in, next_header, out);
}

static bool
has_address(const struct esp_selector *s, const struct ip *ip)
{
    return s->first.family == 0 ||
           (s->first.family == ip->family && memcmp(ip->b, s->first.b, sizeof(ip->b)) >= 0 &&
            memcmp(ip->b, s->last.b, sizeof(ip->b)) <= 0);
}

static bool
has_protocol(const struct esp_selector *s, uint8_t protocol, uint16_t port)
{
    return (s->protocol == 0 || s->protocol == protocol) &&
           (s->port == 0 || protocol != CARRIER_UDP || s->port == port);
}

bool
ipsec_inner_is_selected(const struct ipsec_inner *in, const struct esp_selector *local,
                        const struct esp_selector *remote)
{
    return has_address(remote, &in->src) && has_address(local, &in->dst) &&
           (in->is_fragment || (has_protocol(local, in->protocol, in->local_port) &&
                                has_protocol(remote, in->protocol, in->remote_port)));
}
