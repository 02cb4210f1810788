/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - OpenVPN's server side: UDP ports, TCP streams from the listeners, and the clients that
 * come by them, tun or tap as each one is. docs/protocols/openvpn.md says how. */
#pragma once

#include "core/auth/auth.h"
#include "core/hub/hubs.h"
#include "core/proto/conn.h"
#include "core/proto/openvpn/data.h"
#include "core/proto/openvpn/wrap.h"

struct openvpn_server;

/* What can be set while it runs: replaced as a whole; clients that are connected keep what they
 * agreed. Owned by whoever made it. */
struct openvpn_settings {
    bool enabled;
    char *default_hub; /* for user names without one; or NULL: the only hub, if there is one */
    struct ovpn_wrap_key
        *wrap[3];       /* accepted beside each other: tls-auth, tls-crypt, v2; or NULL */
    bool plain_control; /* also without any wrapping */
    enum ovpn_cipher cipher[OVPN_N_CIPHERS]; /* by preference */
    unsigned n_ciphers;
    bool allow_cbc;           /* for clients that know no AEAD */
    bool require_client_cert; /* beside the password */
    bool redirect_gateway;    /* all the client's traffic by us */
    bool block_outside_dns;
    unsigned ping_s, ping_restart_s; /* pushed; ours is the double */
    unsigned reneg_s;                /* our own renegotiation; 0: never */
    unsigned tun_mtu;
};
struct openvpn_settings *openvpn_settings_new(void); /* the defaults */
struct openvpn_settings *openvpn_settings_copy(const struct openvpn_settings *s);
void openvpn_settings_free(struct openvpn_settings *s);

struct openvpn_server_config {
    struct worker_set *workers;
    struct hubs *hubs;
    struct auth *auth;
    const uint8_t *secret; /* 32 bytes that stay the same over restarts: auth-tokens */
};

/* Control thread. Everything in the config is borrowed, settings are copied. */
struct openvpn_server *openvpn_server_new(const struct openvpn_server_config *config,
                                          const struct openvpn_settings *settings);
/* Asks all clients to end, and waits for the workers. */
void openvpn_server_free(struct openvpn_server *s);
void openvpn_server_set(struct openvpn_server *s, const struct openvpn_settings *settings);
/* New handshakes use it. References the context's certificate and key. */
void
openvpn_server_set_tls(struct openvpn_server *s, X509 *cert, EVP_PKEY *key, STACK_OF(X509) * chain);
/* Opens a UDP port on all addresses of both families, on every worker. Not being able to is no
 * failure: openvpn_server_udp_error(); it is tried again every LISTENER_RETRY_S. */
void openvpn_server_udp_open(struct openvpn_server *s, uint16_t port);
bool openvpn_server_udp_close(struct openvpn_server *s, uint16_t port);
const char *openvpn_server_udp_error(const struct openvpn_server *s, uint16_t port);
/* What takes TCP streams over that begin like OpenVPN. Valid as long as the server. */
const struct stream_service *openvpn_server_stream(struct openvpn_server *s);
