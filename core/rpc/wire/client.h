/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - calling the administration API of a server: over its Unix socket, or over HTTPS.
 *
 * One connection, kept between calls and made anew when it has gone; calls of one client happen
 * one after another, in order. A server over HTTPS is known by its fingerprint, or by a chain to
 * the system's authorities and its host name; before that nothing secret is sent. The blocking call
 * is for tools; apps with a main loop use the asynchronous one, which runs it in a thread of
 * GLib's. Errors: PE_CONNECT_FAILED, PE_DISCONNECTED, PE_CERT_NOT_TRUSTED, PE_AUTH_FAILED,
 * PE_PROTOCOL, and what the server says.
 */
#pragma once

#include "core/base/types.h"
#include "core/rpc/wire/method.h"

#include <gio/gio.h>
#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RPC_CLIENT_TIMEOUT_S = 30, /* silence of the server */
    RPC_CLIENT_FINGERPRINT = 32,
};

/* All borrowed during rpc_client_new(). */
struct rpc_client_config {
    const char *socket_path; /* NULL: HTTPS to host */
    const char *host;
    uint16_t port;
    const char *hub; /* NULL or "": server administrator */
    const char *password;
    const uint8_t *fingerprint; /* SHA-256 of the certificate to expect; NULL: by authorities */
    const char *ca_file;        /* authorities, PEM; NULL: the system's */
};

struct rpc_client;

/* Connects with the first call. */
struct rpc_client *rpc_client_new(const struct rpc_client_config *config);
/* Not while an asynchronous call is under way. */
void rpc_client_free(struct rpc_client *c);

/* Blocks. in may be NULL. *raw (may be NULL) is the result as it came. */
struct record *rpc_client_call(struct rpc_client *c, const struct rpc_method *m,
                               const struct record *in, json_t **raw, GError **error) MUST_CHECK;

/* in is copied. The callback comes on the caller's main context. */
void
rpc_client_call_async(struct rpc_client *c, const struct rpc_method *m, const struct record *in,
                      GCancellable *cancel, GAsyncReadyCallback callback, gpointer data);
struct record *rpc_client_call_finish(GAsyncResult *result, GError **error) MUST_CHECK;

/* The certificate of the last attempt over HTTPS, trusted or not. False: there was none. */
bool rpc_client_fingerprint(struct rpc_client *c, uint8_t out[RPC_CLIENT_FINGERPRINT]);
/* "AB:CD:...", also without colons. */
bool rpc_fingerprint_parse(const char *text, uint8_t out[RPC_CLIENT_FINGERPRINT]) MUST_CHECK;
enum { RPC_FINGERPRINT_TEXT = RPC_CLIENT_FINGERPRINT * 3 };
const char *
rpc_fingerprint_print(const uint8_t fp[RPC_CLIENT_FINGERPRINT], char out[RPC_FINGERPRINT_TEXT]);
