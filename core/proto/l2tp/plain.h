/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - L2TP without IPsec: UDP port 1701, which makes carriers for one service. Passwords and
 * data go in clear, and nobody vouches for a peer's address. */
#pragma once

#include "core/base/worker.h"
#include "core/proto/carrier.h"

#include <glib.h>

enum {
    L2TP_PLAIN_STRANGERS_ADDRESS = 64, /* of one address (IPv6: one /64) */
    L2TP_PLAIN_CARRIERS = 16384,       /* of one worker */
};

struct l2tp_plain;
/* Control thread; so are all calls but l2tp_plain_known(). Borrows. strangers: how many there may
 * be before login, in all. */
struct l2tp_plain *l2tp_plain_new(struct worker_set *workers, const struct carrier_service *service,
                                  unsigned strangers);
void l2tp_plain_free(struct l2tp_plain *p); /* closes it; NULL is fine */
/* Harmless when it is open. False and error: it is tried again by whoever calls. */
bool l2tp_plain_open(struct l2tp_plain *p, uint16_t port, GError **error);
bool l2tp_plain_is_open(const struct l2tp_plain *p);
/* Ends all carriers and closes the port. */
void l2tp_plain_close(struct l2tp_plain *p);

/* Its client has logged in: it is no stranger any more. Harmless for carriers of others. On
 * the carrier's worker. */
void l2tp_plain_known(struct carrier *c);
