/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - a router on its carrier: one control connection, or one session without such, and a link
 * to the hub for each pseudowire. */
#pragma once

#include "core/proto/ether_link.h"
#include "core/proto/l2tpv3/control.h"

enum {
    L2TPV3_REFUSED_S = 2, /* after a refusal the next call is refused without asking, for so long;
                             doubles up to: */
    L2TPV3_REFUSED_MAX_S = 30,
};

struct l2tpv3_peer;

/* The carrier has a router. */
struct l2tpv3_peer *l2tpv3_peer_new(struct ether_home *home, struct carrier *c, int64_t now_us);
/* The carrier is gone, or going. Tells the peer nothing. */
void l2tpv3_peer_free(struct l2tpv3_peer *p, int reason, int64_t now_us);
/* Payloads of the carrier, control and data. */
void l2tpv3_peer_receive(struct l2tpv3_peer *p, struct batch *b, int64_t now_us);
void l2tpv3_peer_changed(struct l2tpv3_peer *p);
int64_t l2tpv3_peer_heard_us(const struct l2tpv3_peer *p);
