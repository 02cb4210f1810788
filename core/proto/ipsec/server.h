/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - IPsec in user mode: UDP 500 and 4500, and IP protocol 50 where the process may; IKE
 * (core/proto/ikev1) and ESP (core/proto/esp) come together here, and carriers
 * (core/proto/carrier.h) come out. The system's own IPsec is neither used nor touched.
 * docs/protocols/ipsec.md says how.
 */
#pragma once

#include "core/base/secret.h"
#include "core/base/worker.h"
#include "core/proto/carrier.h"
#include "core/proto/router.h"

#include <openssl/x509.h>

enum {
    IPSEC_HALF_OPEN = 1024,       /* IKE negotiations before the peer is proven, in all */
    IPSEC_HALF_OPEN_ADDRESS = 64, /* of them from one address (IPv6: one /64) */
    IPSEC_PEERS = 16384,          /* of one worker */
    IPSEC_CARRIERS = 64,          /* of one peer */
};

/* Replaced as a whole; peers that are there stay, unless the door that they came by is shut. */
struct ipsec_settings {
    bool enabled;                /* ports are open */
    struct secret *psk;          /* of the server: for whoever has no other; or NULL */
    unsigned weak;               /* enum ike1_weak */
    bool raw;                    /* bare ESP where it can be had; else all is made to come in UDP */
    struct ip public_ip;         /* as peers see us, when a NAT is before us; family 0 */
    struct router_book *routers; /* or NULL */
    unsigned dpd_s;              /* a silent peer is asked after so long; 0: never */
};
struct ipsec_settings *ipsec_settings_new(void); /* the defaults */
struct ipsec_settings *ipsec_settings_copy(const struct ipsec_settings *s);
void ipsec_settings_free(struct ipsec_settings *s); /* wipes; NULL is fine */

struct ipsec_server;
struct ipsec_server_config {
    struct worker_set *workers;
    const struct carrier_service *const *services; /* NULL-terminated, asked in order; borrowed */
    uint16_t ike_port, nat_port;                   /* 500, 4500; others for tests */
};

/* Control thread; so are all calls but where it says otherwise. Opens its ports if enabled. That it
 * cannot is no failure: ipsec_server_get_status() tells, and it is tried again every
 * LISTENER_RETRY_S. */
struct ipsec_server *
ipsec_server_new(const struct ipsec_server_config *config, const struct ipsec_settings *settings);
/* Says goodbye to all peers, and waits for the workers. Services are still there. */
void ipsec_server_free(struct ipsec_server *s);
void ipsec_server_set(struct ipsec_server *s, const struct ipsec_settings *settings);
/* For RSA signatures: ours, what goes along with it (or NULL), and who signs those of peers (or
 * NULL: none are accepted, nor are they if the key is none of RSA). */
struct ipsec_identity {
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
    const GPtrArray *cas; /* of X509 */
};
/* References what is in there. */
void ipsec_server_set_identity(struct ipsec_server *s, const struct ipsec_identity *id);

struct ipsec_status {
    bool open;         /* both UDP ports */
    bool raw;          /* and protocol 50 */
    char problem[256]; /* why not, and the command that helps; "" */
    unsigned peers, half_open, children;
    uint64_t refused; /* first messages that went over a limit */
    uint64_t wrong_key, no_proposal;
};
void ipsec_server_get_status(struct ipsec_server *s, struct ipsec_status *out);

/* What is known of a peer, for the administration. */
struct ipsec_peer_info {
    struct endpoint remote;
    char identity[256];
    char ike[96]; /* "AES-256-CBC, SHA2-256, MODP2048" */
    char esp[64]; /* newest child */
    bool udp, tunnel;
    unsigned children, carriers;
    int64_t since_ms, last_heard_ms;
};
/* GArray of struct ipsec_peer_info. */
GArray *ipsec_server_peers(struct ipsec_server *s);
