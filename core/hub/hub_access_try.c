/* SPDX-License-Identifier: Apache-2.0 */
/* hub_access_try.c - would this packet pass, and by which rule? A frame is made as it was
 * described, and judged like any other, but counted nowhere.
 */

#include "core/base/error.h"
#include "core/base/writer.h"
#include "core/hub/hub_access.h"
#include "core/hub/hub_priv.h"
#include "core/net/eth.h"
#include "core/net/ip.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"

#include <string.h>

enum { FRAME_LEN_MAX = 128, UDP_LEN = 8 };

static size_t
transport_len(const struct hub_access_try *w)
{
    return w->protocol == IP_PROTO_TCP ? TCP_HEADER : UDP_LEN;
}

static void
write_ip(struct writer *out, const struct hub_access_try *w)
{
    if (w->src.family == 4) {
        struct ip4 ip = {.ttl = IP4_TTL,
                         .proto = w->protocol,
                         .total_len = (uint16_t)(IP4_HEADER + transport_len(w)),
                         .src = ip_to_v4(&w->src),
                         .dst = ip_to_v4(&w->dst)};
        ip4_write(out, &ip);
        return;
    }
    struct ip6 ip = {
        .next = w->protocol, .hop_limit = IP4_TTL, .payload_len = (uint16_t)transport_len(w)};
    memcpy(ip.src, w->src.b, sizeof(ip.src));
    memcpy(ip.dst, w->dst.b, sizeof(ip.dst));
    ip6_write(out, &ip);
}

static void
write_transport(struct writer *out, const struct hub_access_try *w)
{
    writer_u16(out, w->sport);
    writer_u16(out, w->dport);
    if (w->protocol != IP_PROTO_TCP) {
        writer_u16(out, UDP_LEN);
        writer_u16(out, 0);
        return;
    }
    writer_zero(out, 8);
    writer_u8(out, TCP_HEADER / 4 << 4);
    writer_u8(out, w->established ? TCP_ACK : TCP_SYN);
    writer_zero(out, 6);
}

static bool
check(const struct hub_access_try *w, GError **error)
{
    const char *fault = NULL;

    if (w->src.family != w->dst.family || w->src.family == 0)
        fault = "a packet has a source and a destination address of the same family";
    else if (w->protocol == 0 || (w->src.family == 6 && ip6_is_extension(w->protocol)))
        fault = "this protocol cannot be tried";
    if (fault)
        g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER, fault);
    return !fault;
}

bool
hub_try_access(struct hub *hub, const struct hub_access_try *w, struct hub_access_answer *out,
               GError **error)
{
    const struct acl *acl = atomic_load_explicit(&hub->access.acl, memory_order_relaxed);
    uint8_t frame[FRAME_LEN_MAX];
    struct writer writer = writer_of(frame, sizeof(frame));
    struct flow flow;

    if (!check(w, error))
        return false;
    *out = (struct hub_access_answer){.say = ACL_PASS};
    eth_write(&writer, &w->dst_mac, &w->src_mac, w->src.family == 4 ? ETH_TYPE_IP4 : ETH_TYPE_IP6);
    write_ip(&writer, w);
    write_transport(&writer, w);
    if (!acl || flow_parse(reader_of(frame, writer.len), &flow) != DROP_NONE)
        return true;
    struct acl_packet p = {
        .frame = frame,
        .len = writer.len,
        .flow = &flow,
        .from = hub_access_hold(hub, w->user, w->group),
        .to = hub_access_hold(hub, w->to_user, w->to_group),
        .to_known = w->to_known,
    };
    struct acl_verdict v = acl_judge(acl, NULL, &p);
    out->say = v.say;
    out->rule_id = acl_rule_id(acl, v.rule);
    hub_access_leave(hub, p.from);
    hub_access_leave(hub, p.to);
    return true;
}
