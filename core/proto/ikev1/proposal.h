/* SPDX-License-Identifier: Apache-2.0 */
/* proposal.h - what IKEv1's peers offer, and which of it we take (RFC 2407, 2409, 4753, 4106).
 *
 * The choice is ours: the strongest that the peer offers anywhere, and of equals the first.
 *   Phase 1: without weak algorithms before with; groups 20, 19, 21, 14, 16, 15, 5, 2; AES of 256,
 *     192, 128 bits, 3DES; any SHA-2, SHA-1, MD5.
 *   Phase 2: the same of weak ones; AES-GCM, AES-CBC, 3DES; the longer key; SHA-2, SHA-1, MD5.
 * DES, group 1, AH, IPCOMP and XAUTH never. PFS may use any group that we can, as it adds to keys
 * that do without it. The answer is the peer's own transform, octet by octet, since strict clients
 * compare.
 */
#pragma once

#include "core/proto/esp/esp.h"
#include "core/proto/ikev1/ike1.h"
#include "core/proto/ikev1/isakmp.h"

enum ike1_auth { IKE1_PSK = 1, IKE1_RSA = 3 };
enum ike1_cipher { IKE1_AES_CBC, IKE1_3DES_CBC };
enum ike1_hash { IKE1_MD5, IKE1_SHA1, IKE1_SHA256, IKE1_SHA384, IKE1_SHA512, IKE1_N_HASHES };

struct ike1_suite {
    enum ike1_cipher cipher;
    unsigned key_bits;
    enum ike1_hash hash;
    enum ike1_auth auth;
    uint16_t group;  /* 2, 5, 14, 15, 16, 19, 20, 21 */
    uint32_t life_s; /* 0: not said */
};

/* Where the chosen transform lies in the peer's SA payload: what the answer is made of. */
struct ike1_choice {
    uint8_t proposal_number, protocol, transform_number, transform_id;
    struct reader attributes;
    struct reader spi; /* the peer's; empty in phase 1 */
};

enum { IKE1_TRANSFORMS_MAX = 128 }; /* looked at in one SA payload; later ones are not seen */

enum ike1_offer { IKE1_OFFER_TAKEN, IKE1_OFFER_NONE, IKE1_OFFER_MALFORMED };

/* sa is the body of an SA payload. auths: bits 1 << enum ike1_auth that we can. group: of the KE
 * that came with it (aggressive mode), or 0. */
enum ike1_offer ike1_choose(struct reader sa, unsigned weak, unsigned auths, uint16_t group,
                            struct ike1_suite *out, struct ike1_choice *choice);

struct ike1_child_want {
    bool nat; /* UDP encapsulation is on: modes 3, 4 and the drafts'; else 1, 2 */
    unsigned weak;
    size_t public_len; /* of the KE payload that came with it, 0: none. With one, only transforms
                          with its group; without, only those without PFS */
};
struct ike1_child_suite {
    struct esp_suite esp;
    bool tunnel;
    uint16_t mode;  /* the encapsulation mode as the peer calls it; 0: it did not say */
    uint16_t group; /* of PFS; 0: none */
    uint32_t life_s;
    uint64_t life_kib;
};
enum ike1_offer ike1_choose_child(struct reader sa, const struct ike1_child_want *want,
                                  struct ike1_child_suite *out, struct ike1_choice *choice);

/* Writes the body of an SA payload with that one transform; spi is ours, 0 in phase 1. */
void ike1_write_choice(struct writer *w, const struct ike1_choice *choice, uint32_t spi);
/* Writes an offer of ours: one transform for the child's suite. Its mode, when it has one, or else
 * what tunnel and nat mean. */
void
ike1_write_child_offer(struct writer *w, const struct ike1_child_suite *s, bool nat, uint32_t spi);

/* "AES-256-CBC, SHA2-256, MODP2048". out has room for n bytes. */
void ike1_suite_print(const struct ike1_suite *s, char *out, size_t n);
/* What the peer offers, for the log: "offers 3DES-SHA1-MODP1024, ...; would need: 3des, modp1024",
 * shortened to n bytes (200 are good). Returns which of enum ike1_weak besides those of weak would
 * make one of them do (0: nothing would). Of either phase. */
unsigned ike1_offer_explain(struct reader sa, unsigned weak, char *out, size_t n);
