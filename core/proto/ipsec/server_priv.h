/* SPDX-License-Identifier: Apache-2.0 */
/* server_priv.h - what the files of the IPsec server share.
 *
 * Who touches what. A peer with its IKE SAs, children and carriers lives on one worker, its home;
 * only that one touches it and the tables of the home. The server's own table, of which home has a
 * peer at an endpoint, is looked into for first messages alone, never for a packet.
 */
#pragma once

#include "core/base/log.h"
#include "core/proto/admission.h"
#include "core/proto/ikev1/ike1.h"
#include "core/proto/ipsec/server.h"
#include "core/proto/udp_port.h"

#include <stdatomic.h>

enum {
    IPSEC_FOREIGN_PPS = 200000, /* datagrams a second that one worker passes on to others */
    IPSEC_MESSAGE_MAX = IKE1_MESSAGE_MAX,
    IPSEC_MARKER = 4, /* bytes of zero before IKE on the port that ESP comes to, too */
    IPSEC_JOBS = 512, /* Diffie-Hellman computations that may wait */
    IPSEC_HELPERS = 2,
};

/* Settings in use: immutable, counted. */
struct ipsec_rules {
    atomic_uint refs;
    struct ipsec_settings *settings;
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
    X509_STORE *cas; /* or NULL: no certificates */
    bool aggressive; /* some router may use it */
};
/* Copies and references. id: NULL: no certificates. */
struct ipsec_rules *
ipsec_rules_new(const struct ipsec_settings *s, const struct ipsec_identity *id);
/* With other settings and the identity of rules that are there. */
struct ipsec_rules *
ipsec_rules_renew(const struct ipsec_rules *r, const struct ipsec_settings *settings);
struct ipsec_rules *ipsec_rules_ref(struct ipsec_rules *r);
void ipsec_rules_unref(struct ipsec_rules *r); /* NULL is fine */

struct ipsec_home;

/* Told by all workers; relaxed. */
struct ipsec_counts {
    atomic_uint peers, children;
    _Atomic uint64_t refused, wrong_key, no_proposal, other_version;
};

struct ipsec_server {
    struct ipsec_server_config config;
    struct ipsec_home *home[WORKER_MAX];
    unsigned n_homes;
    struct admission *half_open;
    GThreadPool *helpers; /* Diffie-Hellman */
    struct ipsec_counts counts;

    GMutex lock;         /* guards what follows */
    GHashTable *home_at; /* struct endpoint of peers -> index of their home + 1 */

    /* Control thread only. */
    struct ipsec_rules *rules;
    bool open, raw;
    char problem[256];
    guint retry; /* GSource */
};

/* Whose the endpoint is: the first home that claims it. Any thread. */
bool ipsec_server_claim(struct ipsec_server *s, const struct endpoint *at, unsigned home);
void ipsec_server_unclaim(struct ipsec_server *s, const struct endpoint *at);
struct ipsec_home *ipsec_server_home_at(struct ipsec_server *s, const struct endpoint *at);

unsigned ipsec_endpoint_hash(gconstpointer endpoint);
gboolean ipsec_endpoint_same(gconstpointer a, gconstpointer b);

/* ---- ports.c; control thread ---- */

/* Opens what is not open yet and should be; says in s->problem what could not be. */
void ipsec_ports_open(struct ipsec_server *s);
void ipsec_ports_close(struct ipsec_server *s);

/* ---- compute.c ---- */

GThreadPool *ipsec_compute_new(void);
void ipsec_compute_free(GThreadPool *p); /* waits for what is under way */
/* Computes for the IKE SA of that home with our cookie, if it is still there afterwards. False: too
 * many wait, and the job is still the caller's. */
bool ipsec_compute(struct ipsec_home *h, const uint8_t cookie[IKE1_COOKIE], struct ike1_dh *job);
