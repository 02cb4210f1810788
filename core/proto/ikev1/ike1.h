/* SPDX-License-Identifier: Apache-2.0 */
/* ike1.h - IKEv1 (RFC 2408, 2409, 3947, 3706), the responder's side, as a machine: one ISAKMP SA
 * from its first message on, with its quick modes and informational exchanges. Messages and now_us
 * in; messages, children and one deadline out. No socket, no clock, no table of others.
 *
 * Phase 1: main mode by pre-shared key or RSA signatures; aggressive mode where the owner gives a
 * key for the identity. Phase 2: quick modes that the peer begins, and ike1_rekey() of our own.
 * Memory: the struct, at most IKE1_QUICK_MAX quick modes under way, IKE1_CHILDREN_MAX children, a
 * copy of the last message each way and exchange.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/reader.h"
#include "core/base/secret.h"
#include "core/proto/esp/child.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    IKE1_COOKIE = 8,
    IKE1_NEGOTIATION_S = 30, /* from the first message to the end of phase 1 */
    IKE1_QUICK_S = 30,       /* for a quick mode */
    IKE1_QUICK_MAX = 8,      /* under way */
    IKE1_CHILDREN_MAX = 16,
    IKE1_MESSAGE_MAX = 16 * 1024, /* longer ones are dropped */
    IKE1_LIFE_MAX_S = 86400,      /* of phase 1: longer ones are cut, 0 is IKE1_LIFE_S */
    IKE1_LIFE_S = 28800,
    IKE1_ID_TEXT = 256,
};

/* Algorithms that are weak today, each off unless somebody needs it. */
enum ike1_weak {
    IKE1_WEAK_SHA1 = 1,     /* also of ESP: all of Windows' proposals have it */
    IKE1_WEAK_MODP1024 = 2, /* and 1536: Android up to 11, old routers */
    IKE1_WEAK_3DES = 4,
    IKE1_WEAK_MD5 = 8,
};

struct ike1_id {
    uint8_t type; /* RFC 2407, 4.6.2.1 */
    uint8_t protocol;
    uint16_t port;
    char text[IKE1_ID_TEXT]; /* printed; bytes that are no text as \xNN */
};

/* A Diffie-Hellman exchange, which takes a millisecond or ten: for a helper thread. Owned by
 * whoever holds it. */
struct ike1_dh;
/* Computes it. Any thread, once for each of ike1_dh_new(), ike1_dh_begin(), ike1_dh_set_peer(). */
void ike1_dh_compute(struct ike1_dh *d);
void ike1_dh_free(struct ike1_dh *d); /* wipes; NULL is fine */

struct ike1_key {
    const struct secret *psk;
    void *tag; /* the owner's: what this key stands for */
};

enum ike1_end {
    IKE1_END_TIMEOUT,     /* the peer went away during phase 1 */
    IKE1_END_NO_PROPOSAL, /* nothing that we accept; see ike1_problem() */
    IKE1_END_WRONG_KEY,   /* of all keys none was right */
    IKE1_END_REFUSED,     /* established() said so, or a certificate did not do */
    IKE1_END_PROTOCOL,    /* what came was no IKE */
    IKE1_END_DELETED,     /* by the peer */
    IKE1_END_EXPIRED,
    IKE1_END_DEAD,   /* no answer to R-U-THERE */
    IKE1_END_CLOSED, /* by ike1_close() */
};

struct ike1;

struct ike1_ops {
    /* A whole message to the peer, without the non-ESP marker. */
    void (*send)(void *owner, struct reader message, int64_t now_us);
    void (*random)(void *owner, void *out, size_t n);
    /* Have ike1_dh_compute() done, and then ike1_computed(). The job is the owner's meanwhile. */
    void (*compute)(void *owner, struct ike1_dh *job);
    /* The n-th key that may be the peer's (n = 0, 1, ...; false: no more), at most IKE1_KEYS_MAX.
     * id is NULL in main mode, where it comes only after the key; in aggressive mode only keys of
     * those that may use it. */
    bool (*key)(void *owner, const struct ike1_id *id, unsigned n, struct ike1_key *out);
    /* Whether a certificate is trusted for RSA signatures (it was found to sign); NULL: none are.
     * False is the end, which the peer is told. */
    bool (*trusts)(void *owner, X509 *cert, STACK_OF(X509) * chain);
    /* The peer has proven who it is: tag of the key that was right, NULL with a certificate. cert
     * is NULL then, or the peer's. False: not wanted. Called once. */
    bool (*established)(void *owner, const struct ike1_id *id, void *tag, X509 *cert,
                        int64_t now_us);
    /* It says that it knows of no earlier SA between us. */
    void (*initial_contact)(void *owner, int64_t now_us);
    /* An SPI of ours that nobody has. */
    uint32_t (*new_spi)(void *owner);
    /* A quick mode's child: packets of the peer are to be opened from now on; what is sent uses it
     * from child_confirmed() on, or from its first packet. False: not wanted (its selectors), and
     * the peer is told. The key material is wiped after the call. */
    bool (*child_up)(void *owner, const struct esp_child *c, int64_t now_us);
    void (*child_confirmed)(void *owner, uint32_t spi_in, int64_t now_us);
    /* By the peer, its lifetime's end, or a quick mode that was not ended. */
    void (*child_down)(void *owner, uint32_t spi_in, int64_t now_us);
    /* The last call. Children stay: they are the owner's. Free it later than from inside it. */
    void (*ended)(void *owner, enum ike1_end why, int64_t now_us);
};
enum { IKE1_KEYS_MAX = 1025 }; /* tried at one message */

struct ike1_config {
    struct endpoint remote, local; /* of the first message: for NAT detection */
    bool force_udp;                /* have the peer believe in a NAT: ESP comes in UDP */
    unsigned weak;                 /* enum ike1_weak, or'ed: accepted */
    X509 *cert;                    /* ours for RSA signatures, with key; or NULL. Referenced */
    EVP_PKEY *key;
    STACK_OF(X509) * chain;      /* sent with cert; or NULL. Referenced */
    uint8_t cookie[IKE1_COOKIE]; /* ours */
    unsigned dpd_s;      /* R-U-THERE after so long without hearing from the peer; 0: never */
    struct ip public_ip; /* what our identity is, when it is not local.ip; family 0 */
};

/* For the peer's first message (struct reader: the whole message). NULL: it is none that begins an
 * exchange we know; nothing is answered. ops is borrowed, the config for the call alone. The first
 * answer is never longer than what it answers; only that of aggressive mode, to an identity that
 * has a key, may be so by its hashes. ended() never comes from within: when there is nothing to
 * hope for (no proposal, say), the deadline is now, and it comes with ike1_tick(). */
struct ike1 *ike1_new(const struct ike1_config *config, const struct ike1_ops *ops, void *owner,
                      struct reader message, int64_t now_us);
void ike1_free(struct ike1 *k); /* wipes; no call of ops; NULL is fine. Not from inside of one */

/* A message with this SA's cookies, from wherever it came. *proven: it was the peer's for certain
 * (decrypted, and its hash is right), so that its address may be taken for the peer's new one. */
void ike1_receive(struct ike1 *k, struct reader message, const struct endpoint *remote,
                  const struct endpoint *local, bool *proven, int64_t now_us);
/* The job comes back; NULL is none. It is the machine's again. */
void ike1_computed(struct ike1 *k, struct ike1_dh *job, int64_t now_us);
/* There was traffic of the peer (ESP): it is not dead. */
void ike1_heard(struct ike1 *k, int64_t now_us);

bool ike1_is_established(const struct ike1 *k);
bool ike1_nat(const struct ike1 *k, bool *peer_behind, bool *we_behind); /* false: no NAT-T */
/* The cookies: the initiator's, then ours. */
const uint8_t *ike1_cookies(const struct ike1 *k);
/* "AES-256-CBC, SHA2-256, MODP2048": what was agreed; or for IKE1_END_NO_PROPOSAL what the peer
 * offered and what would have to be allowed for it: for the log. Valid until the next call. */
const char *ike1_agreed(const struct ike1 *k);
const char *ike1_problem(const struct ike1 *k);

/* Makes new keys for a child, by a quick mode of ours with the same selectors. */
void ike1_rekey(struct ike1 *k, uint32_t spi_in, int64_t now_us);
/* Tells the peer that a child is no more, and forgets it. */
void ike1_delete_child(struct ike1 *k, uint32_t spi_in, int64_t now_us);
/* Another SA of the same peer takes the children that this one made: it will say when they are
 * deleted or to be rekeyed. */
void ike1_adopt(struct ike1 *k, const struct esp_child *c);
/* Says goodbye for the SA and, if told so, its children first; ended() comes. */
void ike1_close(struct ike1 *k, bool children, int64_t now_us);

int64_t ike1_deadline(const struct ike1 *k); /* 0: none */
void ike1_tick(struct ike1 *k, int64_t now_us);
