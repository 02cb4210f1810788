/* SPDX-License-Identifier: Apache-2.0 */
/* cookie.h - the server's session id as a proof that the client has its address: a keyed hash over
 * time slot, address and client's session id, so that the first answer needs no memory. */
#pragma once

#include "core/base/addr.h"
#include "core/proto/openvpn/wire.h"

enum { OVPN_COOKIE_KEY = 32, OVPN_COOKIE_SLOT_S = 30, OVPN_COOKIE_SLOTS = 3 };

void ovpn_cookie_make(const uint8_t key[OVPN_COOKIE_KEY], const struct endpoint *peer,
                      const uint8_t client_sid[OVPN_SID], int64_t now_s, uint8_t out[OVPN_SID]);
/* Whether sid was made for this peer in the current slot or the OVPN_COOKIE_SLOTS - 1 before. In
 * constant time. */
bool ovpn_cookie_check(const uint8_t key[OVPN_COOKIE_KEY], const struct endpoint *peer,
                       const uint8_t client_sid[OVPN_SID], int64_t now_s,
                       const uint8_t sid[OVPN_SID]) MUST_CHECK;
