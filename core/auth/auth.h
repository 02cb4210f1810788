/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - a credential in; later, on the asker's worker, a verdict out.
 *
 * What is slow (scrypt) runs on helpers, what looks into the store on control, what others know
 * (RADIUS, a domain) is asked of them (backend.h); the asker never waits. The answer for an unknown
 * user and for a wrong password is the same and takes the same time. Wrong passwords are counted
 * per address (IPv6: per /64) and per account; who is over a limit is refused for a while that
 * grows (ban.h, throttle.h).
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/fixed_address.h"
#include "core/base/policy.h"
#include "core/base/secret.h"
#include "core/base/worker.h"
#include "core/crypto/mschap.h"

#include <glib.h>
#include <openssl/x509.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    AUTH_BAN_TRIES = 10, /* wrong ones in AUTH_BAN_WINDOW_S from one address */
    AUTH_BAN_WINDOW_S = 60,
    AUTH_BAN_FIRST_S = 30, /* doubles with each ban, up to AUTH_BAN_MAX_S */
    AUTH_BAN_MAX_S = 3600,
    AUTH_BAN_ADDRESSES = 8192, /* remembered at most; the oldest is forgotten */
    AUTH_QUEUE = 256, /* password checks waiting for a helper; more are refused (PE_HUB_FULL) */
    AUTH_QUEUE_ADDRESS = 16,   /* of them from one address */
    AUTH_JOBS = 4096,          /* requests of all kinds under way; more are refused likewise */
    AUTH_HELPERS = 2,          /* threads for scrypt */
    AUTH_MESSAGE_MAX = 256,    /* of a back-end to a user, with its NUL */
    AUTH_REPLY_ID = 33,        /* 32 hexadecimal digits and a NUL */
    AUTH_REPLIES = 1024,       /* questions to users that wait for a reply; more are refused */
    AUTH_REPLIES_ADDRESS = 16, /* of them to one address */
    AUTH_REPLY_S = 180,        /* to type it */
    AUTH_REFUSE_STEP_MS = 200, /* a refusal is told at a multiple of this after the request, so that
                                  its time tells nothing about the user or the hub */
};

/* The user whose account stands for names that the hub does not know. */
#define AUTH_TEMPLATE "*"

struct auth_verdict;

enum auth_kind {
    AUTH_ANONYMOUS,
    AUTH_SEVPN_HASH, /* challenge and SHA0(user_hash || challenge) */
    AUTH_PLAIN,      /* the password itself */
    AUTH_CERT_PROOF, /* certificate and signature over the challenge */
    AUTH_CERT_TLS,   /* certificate whose key was proven by a TLS handshake */
    AUTH_MSCHAPV2,   /* RFC 2759: the answer to our challenge, and to the peer's own */
    AUTH_PROVEN,     /* by a token of our own: the user must still exist and be allowed */
    AUTH_REPLY, /* to a question of a verdict before: reply_id and, as password, what was typed */
};

/* What is asked. Owned by whoever made it, until auth_submit() takes it. */
struct auth_request {
    enum auth_kind kind;
    char *hub, *user; /* g_malloc */
    struct endpoint peer;
    char *protocol; /* for the log: "SE-VPN" */
    uint8_t challenge[20];
    uint8_t response[20];    /* AUTH_SEVPN_HASH */
    struct secret *password; /* AUTH_PLAIN */
    GBytes *cert, *proof;    /* AUTH_CERT_PROOF: DER, signature. AUTH_CERT_TLS: cert. AUTH_PLAIN: a
                                certificate proven by TLS beside the password, or NULL */
    struct {
        uint8_t authenticator[MSCHAP_CHALLENGE]; /* ours */
        uint8_t peer[MSCHAP_CHALLENGE];
        uint8_t response[MSCHAP_RESPONSE];
        char *name; /* g_malloc: as the peer sent it. It may have hashed it with or without what
                       stands before the last backslash */
    } mschap;       /* AUTH_MSCHAPV2 */
    struct {
        bool wanted; /* AUTH_SEVPN_HASH: the password shall be another one. Nobody logs in */
        bool has_nt_hash;
        uint8_t sevpn_hash[20];
        uint8_t nt_hash[NT_HASH_SIZE];
    } change;
    struct secret *code;          /* a second factor that came with the first, or NULL */
    char reply_id[AUTH_REPLY_ID]; /* AUTH_REPLY */
    bool can_ask; /* the protocol can show a question and bring the reply: struct auth_verdict's
                     question */
    bool cert_required; /* AUTH_PLAIN: the certificate must be there, in its time, and signed by
                           a trusted authority of the hub, or be the user's own */

    struct worker *worker; /* where done() is called; NULL: on the control thread */
    void (*done)(void *owner,
                 const struct auth_verdict *verdict); /* exactly once, unless cancelled */
    void *owner;
};

struct auth_verdict {
    int code;        /* PE_OK; PE_AUTH_FAILED (also when there is no such user or hub: nobody may
                        learn which there are); after the credential was proven right
                        PE_ACCESS_DENIED (expired, policy); PE_HUB_FULL (busy, or a back-end does not
                        answer); PE_ADDRESS_DENIED        (banned) */
    char user[256];  /* as stored: the right spelling */
    char group[256]; /* "" for none */
    bool hub_admin;  /* logged in as the hub's administrator */
    struct policy policy;
    struct fixed_address address;
    struct {
        char answer[MSCHAP_AUTHENTICATOR_TEXT];
        struct mschap_keys keys; /* RFC 3079 */
        bool has_keys;           /* a back-end may not tell them */
        int error;               /* to say when refused: RFC 2759, 6; 0: the usual one */
    } mschap;                    /* AUTH_MSCHAPV2, when the code is PE_OK; wiped after done() */
    char record[256]; /* the user in the store that stands for this one: "*"; "" when it is the user
                         itself */
    uint32_t idle_s;  /* the session is to end when nothing was sent for so long; 0: never */
    GPtrArray *routes; /* of char *: Framed-Route of a back-end; borrowed, or NULL */
    uint64_t account;  /* for struct session_config: a back-end that wants to know of the session
                          knows it by this; 0: none */
    char message[AUTH_MESSAGE_MAX]; /* for the user, from a back-end; "" for none */
    struct {
        bool is_asked;          /* code is PE_AUTH_FAILED, but may become better: show message, and
                                   come back with an AUTH_REPLY */
        bool echo;              /* what is typed may be seen */
        char id[AUTH_REPLY_ID]; /* for the reply */
    } question;
    const char *reason; /* for our log, when it was refused: "certificate has expired"; never told
                           to the peer. A constant string, or NULL */
};

struct auth_request *auth_request_new(enum auth_kind kind);
void auth_request_free(struct auth_request *r); /* wipes */

/* Where users are looked up: the store, seen through the hole auth needs. Control thread. */
struct auth_user {
    char name[256], group[256];
    int auth_type;  /* the API's UserAuthType: 0 anonymous, 1 password, 2 this certificate, 3 signed
                       certificate */
    char *verifier; /* scrypt, NULL for none */
    bool has_sevpn_hash, has_nt_hash;
    uint8_t sevpn_hash[20];
    uint8_t nt_hash[NT_HASH_SIZE];
    GBytes *cert;  /* type 2 */
    char *cert_cn; /* type 3, or NULL */
    GBytes *cert_serial;
    char external_name[256]; /* types 4 and 5: the name there, "" for the same */
    bool own_policy;         /* that of a group that a back-end names does not count */
    char *totp;              /* secret of one-time codes (totp.h), or NULL */
    bool second_factor;      /* something must be shown beside the credential (backend.h) */
    int64_t expires_ms;      /* 0 never */
    struct policy policy;
    struct fixed_address address;
};
void auth_user_clear(struct auth_user *u); /* wipes and frees members */
struct auth_store_ops {
    /* False: no such hub. *found tells whether the user is there. "administrator" is looked up like
     * any other name, with the hub's own password. */
    bool (*find_user)(void *store, const char *hub, const char *user, bool *found,
                      struct auth_user *out);
    /* Certificates (GBytes, DER) of the hub's trusted authorities; transfer full, may be NULL. */
    GPtrArray *(*trusted_cas)(void *store, const char *hub);
    /* Each decision about a hub that exists; user as stored if there is one, else as asked. */
    void (*logged_in)(void *store, const char *hub, const char *user, bool ok);
    /* Sets the password of a user to what r->change has, durably. False: it cannot be. May be NULL.
     */
    bool (*change_password)(void *store, const struct auth_request *r, const char *user);
    /* Marks one-time codes up to this step as used, durably; false: they are already. NULL: no user
     * has one. */
    bool (*use_totp)(void *store, const char *hub, const char *user, int64_t step);
    /* Entries (struct crl_entry) of certificates that the hub takes no more; transfer full, NULL
     * for none. May be NULL. */
    GPtrArray *(*revoked)(void *store, const char *hub);
    /* Bans (struct guard_ban) that began, to be kept over a restart. May be NULL. */
    void (*keep_bans)(void *store, const GArray *bans);
    /* May be NULL. Whether the hub has this group, which a back-end has named; *has_policy and its
     * policy. */
    bool (*find_group)(void *store, const char *hub, const char *group, bool *has_policy,
                       struct policy *out);
};

struct auth;
/* Control thread, at start. store and ops are borrowed. */
struct auth *auth_new(const struct auth_store_ops *ops, void *store);
/* Waits for helpers; no done() is called any more. Control thread, not from inside a done(). */
void auth_free(struct auth *a);

/* Whether clients of an address may log in to a hub; yes when there is no such hub. Control. */
typedef bool auth_admits(void *owner, const char *hub, const struct ip *address);
/* Control, before the first request. Asked before any credential is looked at: who is not admitted
 * gets PE_ADDRESS_DENIED. */
void auth_set_admission(struct auth *a, auth_admits *admits, void *owner);

/* Takes the request. Any thread. The ticket (never 0) is for auth_cancel(); done() never comes
 * before this returns to the loop. */
uint64_t auth_submit(struct auth *a, struct auth_request *r);
/* On the thread where done() would come: after this it does not come any more. A ticket whose
 * done() came already is fine. */
void auth_cancel(struct auth *a, uint64_t ticket);

/* The same guard for other doors (the API): whether an address is banned now, and a wrong try of
 * it. Any thread. */
bool auth_is_banned(struct auth *a, const struct ip *address);
void auth_note_failure(struct auth *a, const struct ip *address);
void auth_note_success(struct auth *a, const struct ip *address);
/* To list, lift, restore and except; borrowed. */
struct guard;
struct guard *auth_guard(struct auth *a);
