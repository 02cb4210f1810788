/* SPDX-License-Identifier: Apache-2.0 */
/* openvpn.h - OpenVPN as the store has it: settings, ports, keys of the control channel, profiles.
 * Control thread. */
#pragma once

#include "core/auth/auth.h"
#include "core/hub/hubs.h"
#include "core/proto/conn.h"
#include "core/rpc/identity.h"
#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

struct openvpn;

/* All borrowed. NULL and an error: the disk. */
struct openvpn *openvpn_new(struct store *store, struct worker_set *workers, struct hubs *hubs,
                            struct auth *auth, GError **error);
/* Ends its clients' sessions. */
void openvpn_free(struct openvpn *o);
/* The settings in the store are others; also opens the ports the first time. */
bool openvpn_apply(struct openvpn *o, GError **error);
/* For new connections. */
void openvpn_use_identity(struct openvpn *o, const struct identity *id);
const struct stream_service *openvpn_stream(struct openvpn *o);
/* For the fields of MakeOpenVpnProfile; wipe it. NULL and an error. */
GString *openvpn_profile(struct openvpn *o, const struct record *in, GError **error);
/* A key file; secret_free_str(). NULL and an error. */
char *openvpn_key(struct openvpn *o, const char *control, GError **error);
