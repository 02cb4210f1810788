/* SPDX-License-Identifier: Apache-2.0 */
/* token.h - what a client may show instead of its password when it renegotiates or comes back:
 * user, hub and times under a keyed hash ("auth-token"). */
#pragma once

#include "core/base/types.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    OVPN_TOKEN_KEY = 32,
    OVPN_TOKEN_TEXT = 128,
    OVPN_TOKEN_IDLE_S = 2 * 3600,
    OVPN_TOKEN_LIFE_S = 24 * 3600
};

bool ovpn_token_is(const char *password); /* looks like one */
/* initial_s: when the password itself was shown. account: "user@hub" as authenticated. */
void
ovpn_token_make(const uint8_t key[OVPN_TOKEN_KEY], const char *account, const uint8_t session[12],
                int64_t initial_s, int64_t now_s, char out[OVPN_TOKEN_TEXT]);
/* Genuine, for this account, not older than its lives. *initial_s and session: as made. */
bool ovpn_token_check(const uint8_t key[OVPN_TOKEN_KEY], const char *account, const char *token,
                      int64_t now_s, int64_t *initial_s, uint8_t session[12]) MUST_CHECK;
