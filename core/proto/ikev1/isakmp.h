/* SPDX-License-Identifier: Apache-2.0 */
/* isakmp.h - ISAKMP's messages (RFC 2408, 3): header, payloads, attributes; reading and writing. */
#pragma once

#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ISAKMP_HEADER = 28,
    ISAKMP_COOKIE = 8,
    ISAKMP_PAYLOADS_MAX = 40, /* of one message: more are malformed */
};

enum isakmp_exchange {
    ISAKMP_MAIN = 2,
    ISAKMP_AGGRESSIVE = 4,
    ISAKMP_INFORMATIONAL = 5,
    ISAKMP_TRANSACTION = 6,
    ISAKMP_QUICK = 32,
};
enum { ISAKMP_ENCRYPTED = 1, ISAKMP_COMMIT = 2, ISAKMP_AUTH_ONLY = 4 };

enum isakmp_type {
    ISAKMP_NONE,
    ISAKMP_SA,
    ISAKMP_PROPOSAL,
    ISAKMP_TRANSFORM,
    ISAKMP_KE,
    ISAKMP_ID,
    ISAKMP_CERT,
    ISAKMP_CERT_REQUEST,
    ISAKMP_HASH,
    ISAKMP_SIGNATURE,
    ISAKMP_NONCE,
    ISAKMP_NOTIFY,
    ISAKMP_DELETE,
    ISAKMP_VENDOR,
    ISAKMP_ATTRIBUTES,
    ISAKMP_NAT_D = 20, /* RFC 3947 */
    ISAKMP_NAT_OA = 21,
    ISAKMP_NAT_D_DRAFT = 130, /* drafts 00 to 03 */
    ISAKMP_NAT_OA_DRAFT = 131,
};

struct isakmp_header {
    uint8_t initiator[ISAKMP_COOKIE], responder[ISAKMP_COOKIE];
    uint8_t next, version, exchange, flags;
    uint32_t message_id, length;
};
/* The header, and the length that it says: false when it is not whole, of another major version, or
 * says more than there is. What follows the length is ignored, as peers pad. r is fenced to it. */
bool isakmp_header_read(struct reader *r, struct isakmp_header *out) MUST_CHECK;

struct isakmp_payload {
    uint8_t type;
    struct reader body;   /* behind the generic header */
    const uint8_t *start; /* of the generic header */
};
/* All payloads of a message, in their order. What follows the last one is padding. */
struct isakmp_payloads {
    unsigned n;
    struct isakmp_payload p[ISAKMP_PAYLOADS_MAX];
    const uint8_t *end; /* of the last one; where the body begins when there is none */
};
bool
isakmp_payloads_read(struct reader body, uint8_t first, struct isakmp_payloads *out) MUST_CHECK;
/* The n-th of a type (n = 0, 1, ...), or NULL. */
const struct isakmp_payload *
isakmp_find(const struct isakmp_payloads *all, uint8_t type, unsigned n);

/* ---- attributes ---- */

struct isakmp_attribute {
    uint16_t type;
    struct reader value; /* 2 bytes for the short form */
};
/* False: there is none, or it is malformed (the reader has failed). */
bool isakmp_attribute_next(struct reader *r, struct isakmp_attribute *out);
/* Its number; UINT64_MAX when it is longer than 8 bytes. */
uint64_t isakmp_attribute_number(const struct isakmp_attribute *a);

/* ---- writing ---- */

/* Payloads are written one after the other; each one's type goes into the one before. */
struct isakmp_writer {
    struct writer *w;
    size_t message, length_at, next_at; /* offsets in w */
    size_t payload;                     /* of the open one; 0: none */
};
void isakmp_begin(struct isakmp_writer *m, struct writer *w, const struct isakmp_header *h);
/* Ends the open payload and begins another one; its body is what goes to w next. */
void isakmp_payload_begin(struct isakmp_writer *m, uint8_t type);
void isakmp_payload_add(struct isakmp_writer *m, uint8_t type, const void *body, size_t len);
/* Ends the message, and sets its length. */
void isakmp_end(struct isakmp_writer *m);
/* The same, padded with zeroes so that what follows the header is a multiple of block. */
void isakmp_end_padded(struct isakmp_writer *m, size_t block);
