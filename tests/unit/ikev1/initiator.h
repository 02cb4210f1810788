/* SPDX-License-Identifier: Apache-2.0 */
/* initiator.h - an IKEv1 client for tests: phase 1 and 2 as the initiator, and what a server begins
 * later. It speaks by the same key functions as the machine, but knows nothing of it. Messages in,
 * at most one message out; no time. */
#pragma once

#include "core/proto/ikev1/id.h"
#include "core/proto/ikev1/keys.h"
#include "core/proto/ikev1/vendor.h"

struct initiator_config {
    struct ike1_suite suite;
    bool aggressive;
    const char *psk;
    unsigned vendors;         /* sent */
    struct endpoint us, peer; /* as we see them: for NAT-D */
    X509 *cert, *other_cert;  /* the other one goes along, or NULL */
    EVP_PKEY *key;
    const char *fqdn;     /* the identity; NULL: our address, or the certificate's subject */
    bool clear_3;         /* message 3 of aggressive mode is not encrypted */
    bool initial_contact; /* with message 5 */
    bool no_cert_request;
};

struct initiator_quick {
    struct ike1_child_suite suite;
    bool nat;                 /* UDP modes */
    bool ids;                 /* sent */
    bool fqdn_id;             /* the first of them is a name */
    bool original, commit;    /* NAT-OA; the flag */
    uint32_t spi;             /* ours */
    struct reader foreign_sa; /* this offer instead, if not empty */
};

struct initiator_child {
    uint32_t spi_in, spi_out;
    uint8_t in[ESP_KEYMAT_MAX], out[ESP_KEYMAT_MAX];
};

struct initiator {
    struct initiator_config c;
    uint8_t cookies[16];
    struct ike1_keys keys;
    struct ike1_dh *dh;
    struct secret *psk;
    struct secret *sa, *id, *nonce_i, *nonce_r, *public_i, *public_r, *shared;
    uint8_t sent_first; /* main mode: messages of it that went */
    bool up, failed;
    unsigned answered_vendors;
    bool nat_of_us, nat_of_peer; /* what the server's NAT-D say */
    bool has_nat_d;
    X509 *peer_cert;
    unsigned peer_certs; /* that came */

    /* the quick mode under way */
    struct initiator_quick q;
    uint32_t q_id;
    uint8_t q_iv[IKE1_BLOCK_MAX];
    struct secret *q_nonce_i, *q_nonce_r;
    struct ike1_dh *q_dh;
    bool q_theirs, q_ids_echoed;
    struct initiator_child child; /* the newest one that is complete */
    unsigned children;

    /* what came by informational exchanges */
    unsigned acks, questions, deletes_esp, deletes_sa, connected;
    uint16_t last_notify;
    uint32_t last_seq, last_deleted;
    bool answer_dpd;

    uint32_t next_id;
    size_t out_len; /* 0: nothing to send */
    uint8_t out[16384];
};

void initiator_init(struct initiator *i, const struct initiator_config *c);
void initiator_done(struct initiator *i);
/* Each writes i->out. */
void initiator_begin(struct initiator *i);
void initiator_quick(struct initiator *i, const struct initiator_quick *q);
/* An informational exchange of one payload. */
void initiator_info(struct initiator *i, uint8_t type, const void *body, size_t len);
void initiator_dpd(struct initiator *i, uint16_t type, uint32_t seq);
void initiator_delete_esp(struct initiator *i, uint32_t spi);
void initiator_delete_sa(struct initiator *i);
/* Any exchange after phase 1, with payloads of one's own: with the right hash and encrypted. first
 * is the type of the first of them; iv_of: a fresh one. For fuzzing. */
void initiator_raw(struct initiator *i, uint8_t exchange, uint32_t message_id, uint8_t first,
                   struct reader payloads);
void initiator_receive(struct initiator *i, struct reader message);
