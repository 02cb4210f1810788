/* SPDX-License-Identifier: Apache-2.0 */
/* openvpn_config.h - how OpenVPN is set, as the record of the API (GetOpenVpnOptions), in the
 * store.
 */
#pragma once

#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

/* Names in Control_str. */
#define OPENVPN_CONTROLS "plain", "tls-auth", "tls-crypt", "tls-crypt-v2"

/* What is stored, over the defaults; never NULL. */
struct record *openvpn_config_load(struct store *s);
/* Checks it. */
bool openvpn_config_save(struct store *s, const struct record *options, GError **error);
/* The ports of UdpPorts_str, of uint16_t. NULL and an error when it is no list of ports. */
GArray *openvpn_config_ports(const struct record *options, GError **error);
