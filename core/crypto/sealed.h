/* SPDX-License-Identifier: Apache-2.0 */
/* sealed.h - encryption at rest: AES-256-GCM under a key that lives in a file of its own.
 *
 * A sealed value is nonce (12 bytes, random), ciphertext, tag (16 bytes). The context, such as
 * "users/7/nt_hash/anna", is authenticated with it: a value that was moved to another row or column
 * does not open. Random nonces are good for 2^32 values under one key, which no configuration
 * reaches. Any thread.
 */
#pragma once

#include "core/base/secret.h"

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEALED_KEY = 32, SEALED_NONCE = 12, SEALED_TAG = 16 };

struct sealed_key;

struct sealed_key *sealed_key_new(const uint8_t bytes[SEALED_KEY]); /* copies */
/* Reads the file. may_make: where there is none, makes one with a random key, 0600, durable when
 * this returns. */
struct sealed_key *sealed_key_load(const char *path, bool may_make, GError **error);
void sealed_key_free(struct sealed_key *k); /* wipes; NULL is fine */

GBytes *sealed_seal(const struct sealed_key *k, const char *context, const void *bytes, size_t len);
/* NULL when it was not sealed with this key and context, or was changed since. */
struct secret *
sealed_open(const struct sealed_key *k, const char *context, const void *sealed, size_t len);
