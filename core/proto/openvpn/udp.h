/* SPDX-License-Identifier: Apache-2.0 */
/* udp.h - the UDP ports of the OpenVPN server: one socket a worker, which the system spreads
 * clients over; packets in batches both ways. */
#pragma once

#include "core/proto/openvpn/home.h"

/* Control thread: opens one, not watched yet. NULL and error. */
struct ovpn_socket *ovpn_socket_open(struct ovpn_home *h, uint16_t port, GError **error);
/* On the home's worker: watches it; it is the home's from here on. */
void ovpn_socket_add(struct ovpn_socket *s);
/* On the home's worker: out of the home's list, closed and freed. Peers that use it must have
 * gone. */
void ovpn_socket_close(struct ovpn_socket *s);
struct ovpn_socket *ovpn_socket_of_port(const struct ovpn_home *h, uint16_t port);
/* One packet; what the system does not take is lost. */
void ovpn_socket_send(struct ovpn_socket *s, const struct ovpn_source *to, const uint8_t *bytes,
                      size_t len);
