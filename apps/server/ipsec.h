/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec.h - IPsec and what it carries (L2TP, L2TPv3, EtherIP), from the store's settings to living
 * servers. Control thread. */
#pragma once

#include "core/auth/auth.h"
#include "core/hub/hubs.h"
#include "core/rpc/identity.h"
#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

struct ipsec;

/* Everything is borrowed. Nothing is open before ipsec_apply(). */
struct ipsec *
ipsec_new(struct store *store, struct worker_set *workers, struct hubs *hubs, struct auth *auth);
/* Says goodbye to all. auth and hubs are still there. NULL is fine. */
void ipsec_free(struct ipsec *i);
/* The settings, the routers or the hubs' authorities in the store are others. */
void ipsec_apply(struct ipsec *i);
void ipsec_use_identity(struct ipsec *i, const struct identity *id);
/* The answers of GetIPsecStatus and EnumIPsecPeer. */
void ipsec_put_status(struct ipsec *i, struct record *out);
void ipsec_put_peers(struct ipsec *i, struct record *out);
