/* SPDX-License-Identifier: Apache-2.0 */
/* binding.h - SSTP's crypto binding ([MS-SSTP], 3.2.5.2): the client proves that who logged in by
 * PPP is who sees our certificate, so that a login cannot be relayed from elsewhere. */
#pragma once

#include "core/crypto/mschap.h"
#include "core/proto/sstp/wire.h"

#include <openssl/x509.h>

struct sstp_binding {
    unsigned hashes; /* offered: SSTP_SHA1, SSTP_SHA256 */
    uint8_t nonce[SSTP_NONCE];
    uint8_t sha1[SSTP_HASH], sha256[SSTP_HASH]; /* of our certificate */
    uint8_t hlak[2 * MSCHAP_KEY];               /* zero for logins that make no keys */
};

/* Hashes the certificate that this TLS session shows. False when OpenSSL fails. */
bool
sstp_binding_init(struct sstp_binding *b, X509 *cert, const uint8_t nonce[SSTP_NONCE]) MUST_CHECK;
/* NULL: none. */
void sstp_binding_set_keys(struct sstp_binding *b, const struct mschap_keys *keys);

enum sstp_binding_fault {
    SSTP_BOUND,
    SSTP_BINDING_MALFORMED,
    SSTP_BINDING_HASH,  /* one that was not offered */
    SSTP_BINDING_NONCE, /* another call's */
    SSTP_BINDING_CERT,  /* the client sees another certificate than we show */
    SSTP_BINDING_MAC,   /* made without the keys of this login, or OpenSSL failed */
};
/* Whether a whole Call Connected message is bound to this session, and if not, what is wrong. */
enum sstp_binding_fault
sstp_binding_check(const struct sstp_binding *b, struct reader record) MUST_CHECK;
/* The same for an administrator; a fixed text. */
const char *sstp_binding_text(enum sstp_binding_fault fault);
/* The MAC of such a message, whose place is taken as zero: what a client puts in. */
bool sstp_binding_mac(const struct sstp_binding *b, unsigned hash,
                      const uint8_t record[SSTP_CONNECTED_SIZE], uint8_t out[SSTP_HASH]) MUST_CHECK;
