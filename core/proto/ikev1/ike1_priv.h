/* SPDX-License-Identifier: Apache-2.0 */
/* ike1_priv.h - the machine behind ike1.h, for its own files alone.
 *
 * States of phase 1: KE (message 2 of main mode is out), COMPUTING (the owner has the job), AUTH
 * (the peer is to prove itself), UP, OVER. ENDING is what ike1_new() leaves when there is nothing
 * to hope for: the owner has no pointer yet, so that ended() comes with the next tick.
 *
 * A message changes something only after it was found right as a whole; of what is encrypted, only
 * after its hash was. Until then the IV is a copy. Memory: what the peer sent and we still need is
 * in struct secret, each at most a message long; quick modes, children, repeated messages and the
 * ids of past exchanges are arrays with a constant bound.
 *
 * Any call of ops may come back into the machine (ike1_close() within child_up(), say), so that
 * after one the state is looked at again and children are looked up anew.
 */
#pragma once

#include "core/proto/ikev1/id.h"
#include "core/proto/ikev1/ike1.h"
#include "core/proto/ikev1/isakmp.h"
#include "core/proto/ikev1/keys.h"
#include "core/proto/ikev1/proposal.h"
#include "core/proto/ikev1/vendor.h"

enum {
    IKE1_RESENDS_MAX = 10,    /* of one answer, for a request that comes again */
    IKE1_BAD_MAX = 4,         /* messages that prove nothing, before the SA ends */
    IKE1_BAD_S = 3,           /* and so long after the first of them, at the latest */
    IKE1_IDS_MAX = 1024,      /* past exchanges that are remembered */
    IKE1_REPEATS_MAX = 8,     /* deletes on their way */
    IKE1_REPEATS = 2,         /* of one: nobody acknowledges them */
    IKE1_CHILD_MARGIN_S = 30, /* a child stays so long after its end, or after its successor */
    IKE1_DPD_TRIES = 5,
    IKE1_CHAIN_MAX = 8, /* certificates of one side */
    IKE1_NOTICES_MAX = 4,
    IKE1_DIGEST = 32,
};
#define IKE1_US INT64_C(1000000)

enum ike1_notify {
    IKE1_N_NO_PROPOSAL_CHOSEN = 14,
    IKE1_N_INVALID_ID = 18,
    IKE1_N_AUTHENTICATION_FAILED = 24,
    IKE1_N_STATUS = 16384, /* from here on no errors */
    IKE1_N_CONNECTED = 16384,
    IKE1_N_RESPONDER_LIFETIME = 24576,
    IKE1_N_INITIAL_CONTACT = 24578,
    IKE1_N_R_U_THERE = 36136,
    IKE1_N_R_U_THERE_ACK = 36137,
};
enum { IKE1_DOI = 1, IKE1_PROTO_ISAKMP = 1, IKE1_PROTO_ESP = 3 };

enum ike1_state {
    IKE1_STATE_KE,
    IKE1_STATE_COMPUTING,
    IKE1_STATE_AUTH,
    IKE1_STATE_UP,
    IKE1_STATE_ENDING,
    IKE1_STATE_OVER,
};

/* The last request of an exchange, and what was answered. */
struct ike1_memory {
    bool any;
    uint8_t digest[IKE1_DIGEST];
    struct secret *answer; /* NULL: nothing yet, or nothing at all */
    unsigned resent;
};

enum ike1_quick_state {
    IKE1_QUICK_FREE,
    IKE1_QUICK_COMPUTING,
    IKE1_QUICK_OWN_HALF, /* ours: with PFS, before the first message */
    IKE1_QUICK_WAIT_2,   /* ours: the first message is out */
    IKE1_QUICK_WAIT_3,   /* the peer's: the second one is */
    IKE1_QUICK_DONE,     /* ours: kept for the case that the third one was lost */
};

struct ike1_quick {
    enum ike1_quick_state state;
    bool ours, commit;
    uint32_t message_id, spi_in, spi_out;
    uint32_t old_spi; /* ours: the child that is renewed */
    uint8_t iv[IKE1_BLOCK_MAX];
    struct ike1_memory memory;
    struct secret *sa; /* the peer's; choice points into it */
    struct ike1_choice choice;
    struct ike1_child_suite suite;
    struct secret *nonce_i, *nonce_r, *id_i, *id_r;
    struct secret *original[2]; /* NAT-OA as the peer sent them */
    uint8_t original_type;
    struct ike1_dh *dh;        /* ours, while it is not out */
    const struct ike1_dh *job; /* what is out: to know it again */
    int64_t until_us, resend_us;
    unsigned tries;
};

struct ike1_child {
    bool used, confirmed;
    uint32_t spi_in, spi_out;
    struct ike1_child_suite suite;
    struct secret *id_local, *id_remote; /* bodies, or NULL */
    int64_t end_us;
    uint64_t serial; /* higher is newer */
};

struct ike1_repeat {
    struct secret *message;
    int64_t next_us;
    unsigned sent;
};

struct ike1 {
    const struct ike1_ops *ops;
    void *owner;
    struct ike1_config c; /* cert and key are references of ours */
    uint8_t cookies[2 * IKE1_COOKIE];
    uint8_t exchange;
    enum ike1_state state;
    enum ike1_end why;
    bool starting; /* inside of ike1_new() */
    int64_t until_us;

    struct ike1_suite suite;
    struct ike1_choice choice; /* points into sa_i */
    unsigned vendors;
    bool cert_asked, initial_contact_told;
    bool natt, peer_behind, we_behind, udp;
    uint8_t nat_type;

    struct ike1_memory memory;
    unsigned bad;
    uint8_t bad_digest[IKE1_DIGEST];
    struct secret *sa_i, *nonce_i, *nonce_r, *public_i, *public_r, *shared;
    struct secret *id_i; /* aggressive mode: the body */
    size_t first_len;    /* of the first message: its answer is no longer */
    void *tag;
    const struct ike1_dh *job;
    struct ike1_keys keys;

    int64_t heard_us, dpd_next_us;
    unsigned dpd_tries;
    uint32_t dpd_seq, dpd_peer_seq;
    bool dpd_peer_any;

    struct ike1_quick quick[IKE1_QUICK_MAX];
    struct ike1_child child[IKE1_CHILDREN_MAX];
    uint64_t next_serial;
    struct ike1_repeat repeat[IKE1_REPEATS_MAX];
    uint32_t *ids; /* a ring, as large as was needed so far */
    unsigned n_ids, ids_room, ids_next;
    bool ids_lost; /* it went round */

    char agreed[512], problem[768];
};

/* A message as it came in. */
struct ike1_in {
    struct isakmp_header h;
    struct reader whole, body;
    struct endpoint remote, local;
    struct secret *plain; /* when it was encrypted; freed by who called ike1_open() */
    struct isakmp_payloads all;
    bool proven;
};

/* One that is being written. */
struct ike1_out {
    struct writer w;
    struct isakmp_writer m;
    size_t hash_at; /* of the hash's bytes; 0: none */
    uint32_t message_id;
    uint8_t bytes[IKE1_MESSAGE_MAX];
};

static inline struct pf_slice
ike1_slice(const void *at, size_t len)
{
    return (struct pf_slice){.at = (void *)(uintptr_t)at, .len = len};
}

static inline struct pf_slice
ike1_slice_of(const struct secret *s)
{
    return s ? ike1_slice(s->bytes, s->len) : ike1_slice("", 0);
}

static inline struct secret *
ike1_copy(struct reader r)
{
    return secret_new(r.at, r.left);
}

/* ---- ike1.c ---- */

void ike1_say(struct ike1 *k, const char *format, ...) PRINTF_LIKE(2, 3);
/* The last call of ops; within ike1_new() it waits for a tick. */
void ike1_end(struct ike1 *k, enum ike1_end why, int64_t now_us);
static inline bool
ike1_is_over(const struct ike1 *k)
{
    return k->state == IKE1_STATE_OVER || k->state == IKE1_STATE_ENDING;
}

/* ---- exchange.c ---- */

void ike1_digest_of(struct reader message, uint8_t out[IKE1_DIGEST]);
/* Came before: answered as before, or still being worked on. */
bool
ike1_is_duplicate(struct ike1 *k, struct ike1_memory *m, struct reader message, int64_t now_us);
void ike1_remember(struct ike1_memory *m, struct reader request);
void ike1_forget(struct ike1_memory *m);
/* Decrypts the body into in->plain and finds its payloads; iv is moved. False: not with this key;
 * nothing is left behind. */
bool
ike1_open(const struct ike1_keys *keys, uint8_t iv[IKE1_BLOCK_MAX], struct ike1_in *in) MUST_CHECK;
/* Its first payload is the right hash: of the message id, extra, and all payloads behind. */
bool
ike1_check_hash(const struct ike1 *k, const struct ike1_in *in, struct pf_slice extra) MUST_CHECK;

void ike1_out_begin(const struct ike1 *k, struct ike1_out *o, uint8_t exchange, bool encrypted,
                    uint32_t message_id);
/* The first payload is a hash, which ike1_out_hash() fills. */
void ike1_out_hash_begin(const struct ike1 *k, struct ike1_out *o);
bool ike1_out_hash(const struct ike1 *k, struct ike1_out *o, struct pf_slice extra) MUST_CHECK;
/* Pads and encrypts; iv is moved. */
bool ike1_out_seal(const struct ike1 *k, struct ike1_out *o, uint8_t iv[IKE1_BLOCK_MAX]) MUST_CHECK;
static inline struct reader
ike1_out_message(const struct ike1_out *o)
{
    return reader_of(o->w.start, o->w.len);
}
/* Sends it as the answer that m keeps. */
void ike1_answer(struct ike1 *k, struct ike1_memory *m, const struct ike1_out *o, int64_t now_us);

/* Ids of exchanges that were right: what comes under one again is a replay. */
bool ike1_id_is_used(const struct ike1 *k, uint32_t message_id);
void ike1_id_use(struct ike1 *k, uint32_t message_id);
uint32_t ike1_new_message_id(const struct ike1 *k);
/* The seconds to the next repetition: 1, 2, 4, 8, 16. */
int64_t ike1_backoff_us(unsigned tries);

/* ---- phase1.c ---- */

/* False: malformed. */
bool ike1_main_start(struct ike1 *k, const struct ike1_in *in, int64_t now_us) MUST_CHECK;
void ike1_phase1_receive(struct ike1 *k, struct ike1_in *in, int64_t now_us);
void ike1_phase1_computed(struct ike1 *k, const struct ike1_dh *job, int64_t now_us);
/* What both modes have in common. */
void ike1_read_vendors(struct ike1 *k, const struct ike1_in *in);
void ike1_write_vendors(const struct ike1 *k, struct ike1_out *o);
void ike1_refuse_offer(struct ike1 *k, struct reader sa, int64_t now_us);
void ike1_take_suite(struct ike1 *k, struct reader sa, const struct ike1_choice *choice);
bool ike1_take_halves(struct ike1 *k, const struct ike1_dh *job) MUST_CHECK;
struct ike1_ingredients ike1_ingredients(const struct ike1 *k, const struct secret *psk);
void ike1_write_our_id(const struct ike1 *k, struct writer *w);
/* A message of the peer proved nothing. */
void ike1_bad(struct ike1 *k, struct reader message, int64_t now_us);
/* The peer has proven who it is. False: it is not wanted, and all is over. */
bool
ike1_take_peer(struct ike1 *k, struct reader id, void *tag, X509 *cert, int64_t now_us) MUST_CHECK;
/* Phase 1 is done: notices that came with its last message are read. */
void ike1_up(struct ike1 *k, struct ike1_in *in, int64_t now_us);

/* ---- nat.c ---- */

void ike1_read_nat(struct ike1 *k, const struct ike1_in *in);
void ike1_write_nat(struct ike1 *k, struct ike1_out *o);

/* ---- aggressive.c ---- */

bool ike1_aggressive_start(struct ike1 *k, const struct ike1_in *in, int64_t now_us) MUST_CHECK;
void ike1_aggressive_computed(struct ike1 *k, int64_t now_us);
void ike1_aggressive_receive(struct ike1 *k, struct ike1_in *in, int64_t now_us);

/* ---- signature.c ---- */

/* Message 5, decrypted: who signed it, or NULL with the reason in ike1_problem(). *trusted: whether
 * the owner wants such a certificate. */
X509 *ike1_signature_check(struct ike1 *k, const struct ike1_in *in, bool *trusted);
/* Our CERT and its chain, when it was asked for, and SIG over hash. */
bool ike1_signature_write(struct ike1 *k, struct ike1_out *o, const uint8_t *hash,
                          size_t len) MUST_CHECK;
void ike1_write_cert_request(struct ike1_out *o);

/* ---- children.c ---- */

struct ike1_child *ike1_child_find(struct ike1 *k, uint32_t spi_in);
struct ike1_child *ike1_child_find_out(struct ike1 *k, uint32_t spi_out);
/* Room for one more; an old one that has a successor makes way. False: there is none. */
bool ike1_child_room(struct ike1 *k, int64_t now_us) MUST_CHECK;
/* The keys of a quick mode, told to the owner. False: it does not want them, or is over. */
bool ike1_child_make(struct ike1 *k, struct ike1_quick *q, struct pf_slice shared, int64_t now_us);
void ike1_child_confirm(struct ike1 *k, uint32_t spi_in, int64_t now_us);
/* Forgets it and tells the owner, and the peer, too, if told so. */
void ike1_child_drop(struct ike1 *k, struct ike1_child *c, bool tell_peer, int64_t now_us);
void ike1_child_clear(struct ike1_child *c);
void ike1_children_tick(struct ike1 *k, int64_t now_us);
int64_t ike1_children_deadline(const struct ike1 *k); /* INT64_MAX: none */

/* ---- quick.c, quick_own.c ---- */

void ike1_quick_receive(struct ike1 *k, struct ike1_in *in, int64_t now_us);
/* True: the job is q's now. */
bool ike1_quick_computed(struct ike1 *k, struct ike1_quick *q, struct ike1_dh *job,
                         int64_t now_us) MUST_CHECK;
struct ike1_quick *ike1_quick_slot(struct ike1 *k);
void ike1_quick_clear(struct ike1_quick *q);
void
ike1_quick_send(struct ike1 *k, struct ike1_quick *q, const struct ike1_out *o, int64_t now_us);
void ike1_quicks_tick(struct ike1 *k, int64_t now_us);
int64_t ike1_quicks_deadline(const struct ike1 *k);
/* Our half is there, or none is needed. */
void ike1_own_begin(struct ike1 *k, struct ike1_quick *q, int64_t now_us);
void ike1_own_receive(struct ike1 *k, struct ike1_quick *q, struct ike1_in *in, int64_t now_us);
void
ike1_own_computed(struct ike1 *k, struct ike1_quick *q, struct pf_slice shared, int64_t now_us);

/* ---- info.c ---- */

void ike1_info_receive(struct ike1 *k, struct ike1_in *in, int64_t now_us);
/* The notices of a message whose hash was right. */
void ike1_read_notices(struct ike1 *k, struct ike1_in *in, int64_t now_us);
/* A notify payload's body. */
void ike1_write_notice(struct writer *w, uint8_t protocol, struct pf_slice spi, uint16_t type,
                       struct pf_slice data);
/* message_id 0: a new one. */
void
ike1_notify(struct ike1 *k, uint32_t message_id, uint8_t protocol, uint16_t type, int64_t now_us);
void ike1_send_delete_esp(struct ike1 *k, const uint32_t *spi, unsigned n, int64_t now_us);
void ike1_send_delete_sa(struct ike1 *k, int64_t now_us);
const char *ike1_notify_name(uint16_t type);
void ike1_info_tick(struct ike1 *k, int64_t now_us);
int64_t ike1_info_deadline(const struct ike1 *k);
