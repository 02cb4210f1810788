/* SPDX-License-Identifier: Apache-2.0 */
/* stray.c - control messages of tunnels that are no more, as after a restart of the server.
 *
 * Whoever has such a tunnel would go on with it until its messages have been sent in vain often
 * enough, which takes clients a minute. StopCCN ends that at once. It is made of the message alone:
 * its Nr is the number that the peer waits for, and the tunnel's number is on both sides the same.
 */

#include "core/net/wire.h"
#include "core/proto/l2tp/server_priv.h"

static void
write_stop(const struct l2tp_header *h, struct writer *w)
{
    l2tp_begin(w, L2TP_STOPCCN, h->tunnel, 0);
    l2tp_put_u16(w, L2TP_AVP_TUNNEL_ID, h->tunnel);
    l2tp_put_result(w, L2TP_STOP_ERROR, L2TP_ERROR_NO_CONNECTION, NULL);
    if (!l2tp_end(w)) {
        w->len = 0;
        return;
    }
    wire_put16(w->start + RELIABLE_AT_NS, h->nr);
    wire_put16(w->start + RELIABLE_AT_NR, (uint16_t)(h->ns + 1));
}

void
l2tp_stray_answer(struct l2tp_server *s, const struct l2tp_header *h, struct writer *w)
{
    struct l2tp_rules *rules = l2tp_server_rules(s);
    uint8_t ack[L2TP_CONTROL_HEADER];
    uint16_t peer_id = h->tunnel;
    struct l2tp_message m;

    bool ok = h->payload.left > 0 && l2tp_message_parse(h->payload, rules->secret, &m);
    if (ok && m.type == L2TP_STOPCCN) { /* the same in return would go on for ever */
        (void)!l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &peer_id);
        l2tp_write_ack(ack, peer_id, h->nr, (uint16_t)(h->ns + 1));
        writer_bytes(w, ack, sizeof(ack));
    } else if (ok) {
        write_stop(h, w);
    }
    l2tp_rules_unref(rules);
}
