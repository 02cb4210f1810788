/* SPDX-License-Identifier: Apache-2.0 */
/* offer.h - SA payloads as clients send them, written from text.
 *
 * Phase 1: "AES256-SHA1-MODP2048 3DES-SHA1-MODP1024"; an ending of RSA, XAUTH or HYBRID is the
 * method, which is PSK else. Phase 2: "AES256-SHA1 GCM128 3DES-MD5-MODP1024"; an ending of a group
 * is for PFS. '|' begins another proposal, '&' one with the same number.
 */
#pragma once

#include "core/proto/ikev1/proposal_priv.h"

enum { OFFER_MAX = 8192 };

struct offer {
    uint8_t bytes[OFFER_MAX];
    size_t len;
    const uint8_t *attributes[IKE1_TRANSFORMS_MAX + 8]; /* of each transform, in their order */
    size_t attributes_len[IKE1_TRANSFORMS_MAX + 8];
    unsigned n;
};

/* How it is written: clients differ. */
struct offer_style {
    uint16_t mode;      /* phase 2; 0: none is said */
    bool long_life;     /* a LifeDuration of four octets, TLV, instead of two, TV */
    bool kilobytes;     /* a second pair of them */
    bool no_128;        /* KeyLength is left out where it is 128 */
    uint8_t isakmp_spi; /* how many octets of SPI phase 1 has */
};

void offer_phase1(struct offer *o, const char *text, const struct offer_style *style);
void offer_esp(struct offer *o, const char *text, const struct offer_style *style);
static inline struct reader
offer_sa(const struct offer *o)
{
    return reader_of(o->bytes, o->len);
}
