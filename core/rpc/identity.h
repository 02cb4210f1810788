/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h - the server's private key and certificate in the store: one sealed value, so that
 * both change together or not at all. Control thread. */
#pragma once

#include "core/base/types.h"
#include "core/store/store.h"

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdbool.h>

/* Zero-initialise; identity_clear() frees the members. */
struct identity {
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* what goes along with cert, may be empty or NULL */
};
void identity_clear(struct identity *id);

/* PE_NOT_FOUND when the store has none. */
bool identity_load(struct store *store, struct identity *out, GError **error) MUST_CHECK;
/* Durable. PE_INVALID_PARAMETER when key and certificate do not belong together. */
bool identity_save(struct store *store, const struct identity *id, GError **error) MUST_CHECK;
/* A new key and a self-signed certificate of ten years for the name; not saved. */
bool identity_make(const char *common_name, struct identity *out, GError **error) MUST_CHECK;
/* A certificate, PEM (further ones are the chain) or DER, and its key, PEM or DER. */
bool identity_parse(GBytes *cert, GBytes *key, struct identity *out, GError **error) MUST_CHECK;
