/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - the client side of one SE-VPN session: connect, check the certificate, log in, carry
 * frames.
 *
 * One object is one attempt: it ends with ops->ended() and is then freed by its owner, who decides
 * about trying again. All on one worker. Nothing secret is sent before the server's certificate was
 * accepted.
 */
#pragma once

#include "core/base/batch.h"
#include "core/proto/dial.h"

#include <glib.h>
#include <openssl/evp.h>

#include <stdbool.h>
#include <stdint.h>

enum sevpn_trust {
    SEVPN_TRUST_SYSTEM, /* the system's authorities (or ca_file) and the host name */
    SEVPN_TRUST_PIN,    /* exactly the certificate with this SHA-256 fingerprint */
};

enum sevpn_credential { SEVPN_CRED_ANONYMOUS, SEVPN_CRED_HASH, SEVPN_CRED_PLAIN, SEVPN_CRED_CERT };

struct sevpn_client_config {
    struct dial_config dial;
    char *hub, *user;
    enum sevpn_credential credential;
    uint8_t user_hash[20];   /* SEVPN_CRED_HASH: core/crypto/sha0.h */
    struct secret *password; /* SEVPN_CRED_PLAIN */
    GBytes *cert_der;        /* SEVPN_CRED_CERT */
    EVP_PKEY *key;           /* likewise; referenced */
    enum sevpn_trust trust;
    uint8_t pin[32];
    char *ca_file;            /* NULL: the system's */
    unsigned max_connections; /* 1 to 32 */
    bool half_duplex, compress, qos, bridge_mode, super_frames;
    char *host_name;       /* of this machine, told to the server */
    uint8_t unique_id[20]; /* of this machine, stable */
};
void
sevpn_client_config_copy(struct sevpn_client_config *to, const struct sevpn_client_config *from);
void sevpn_client_config_clear(struct sevpn_client_config *c);

struct sevpn_client;

struct sevpn_client_info {
    const char *session_name, *connection_name, *server_product, *cipher,
        *message; /* untrusted text; valid in the callback */
    uint32_t server_ver, server_build;
    unsigned max_connections;
    bool half_duplex, compress, super_frames;
    unsigned timeout_ms;
    struct endpoint server;
    uint32_t auto_disconnect_s;
};

struct sevpn_client_ops {
    /* receive() may come a moment earlier. */
    void (*established)(void *owner, const struct sevpn_client_info *info, int64_t now_us);
    /* Consumes. Frames carry offload marks when super-frames were agreed. */
    void (*receive)(void *owner, struct batch *b, int64_t now_us);
    /* After sevpn_client_send() returned false: there is room again. */
    void (*writable)(void *owner, int64_t now_us);
    /* Last call; never from inside another call into the client. code: enum pe_error. message: for
     * a person. fingerprint: of the server's certificate, or NULL when it was not seen: with
     * PE_CERT_NOT_TRUSTED the user may decide to pin it. */
    void (*ended)(void *owner, int code, const char *message, const uint8_t *fingerprint,
                  int64_t now_us);
};

/* Own thread of w. The config is copied. Starts at once. */
struct sevpn_client *sevpn_client_new(struct worker *w, const struct sevpn_client_config *config,
                                      const struct sevpn_client_ops *ops, void *owner);
/* Closes and frees; ended() does not come any more. Own thread. */
void sevpn_client_free(struct sevpn_client *c);

/* Consumes the batch. False: no more until writable() (what was given is queued or sent all the
 * same, nothing is lost). */
bool sevpn_client_send(struct sevpn_client *c, struct batch *b, int64_t now_us);

struct sevpn_client_stats {
    uint64_t in_frames, in_bytes, out_frames, out_bytes;
    unsigned connections;
};
void sevpn_client_get_stats(const struct sevpn_client *c, struct sevpn_client_stats *out);
