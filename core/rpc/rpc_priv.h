/* SPDX-License-Identifier: Apache-2.0 */
/* rpc_priv.h - what the files of core/rpc know of each other. */
#pragma once

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/rpc/server.h"
#include "core/rpc/wire/method.h"

#include <glib.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    RPC_HELPERS = 2, /* threads */
};

struct login_cache;

struct rpc_server {
    struct rpc_host host;
    GMainContext *control;
    GThreadPool *helpers;
    GAsyncQueue *finished; /* of struct rpc_job, for control */
    struct login_cache *logins;
    atomic_ullong body_bytes;
    unsigned logins_waiting; /* control */
    struct log_limit refused_log;
    int64_t started_ms;
    bool closed;
    atomic_uint refs; /* those of sources that still wait in the main context */
};

/* ---- work on helpers, and its end on control ---- */

/* Embedded in what it is about. */
struct rpc_job {
    void (*work)(struct rpc_job *j); /* on a helper */
    /* On control, once. closed: the server is going away; free, and call nobody. */
    void (*finish)(struct rpc_job *j, bool closed);
    struct rpc_server *server;
};
/* work() and then finish(). Control. */
void rpc_job_start(struct rpc_server *s, struct rpc_job *j);
/* finish() alone. Any thread; never from inside. */
void rpc_job_to_control(struct rpc_server *s, struct rpc_job *j);

/* ---- handlers ---- */

struct rpc_call {
    struct rpc_server *server;
    const struct rpc_host *host;
    const struct rpc_caller *caller;
    const struct rpc_method *method;
    const struct record *in;
    const char *verifier; /* of the password in the call; NULL when there was none */
};

typedef struct record *rpc_handler(const struct rpc_call *c, GError **error);

struct rpc_handler_row {
    const char *method;
    rpc_handler *run;
    const char *password; /* name of the field that is hashed on a helper before, or NULL */
};

/* Each ends with a method of NULL. */
extern const struct rpc_handler_row rpc_server_handlers[];
extern const struct rpc_handler_row rpc_cert_handlers[];
extern const struct rpc_handler_row rpc_listener_handlers[];
extern const struct rpc_handler_row rpc_hub_handlers[];
extern const struct rpc_handler_row rpc_ca_handlers[];
extern const struct rpc_handler_row rpc_user_handlers[];
extern const struct rpc_handler_row rpc_group_handlers[];
extern const struct rpc_handler_row rpc_admin_handlers[];
extern const struct rpc_handler_row rpc_session_handlers[];
extern const struct rpc_handler_row rpc_bridge_handlers[];
extern const struct rpc_handler_row rpc_securenat_handlers[];
extern const struct rpc_handler_row rpc_openvpn_handlers[];
extern const struct rpc_handler_row rpc_ipsec_handlers[];
extern const struct rpc_handler_row rpc_access_handlers[];
extern const struct rpc_handler_row rpc_ban_handlers[];
extern const struct rpc_handler_row rpc_option_handlers[];
extern const struct rpc_handler_row rpc_log_handlers[];
extern const struct rpc_handler_row rpc_radius_handlers[];
extern const struct rpc_handler_row rpc_crl_handlers[];
extern const struct rpc_handler_row rpc_totp_handlers[];

/* NULL when the method has none, which a test forbids. */
const struct rpc_handler_row *rpc_handler_find(const char *method);

/* What came in, without its secrets: the answer of most changes. */
struct record *rpc_echo(const struct rpc_call *c);
bool rpc_fail(GError **error, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The hub named in the call. NULL and PE_HUB_NOT_FOUND. store_hub_free() and hub_unref(). */
struct store_hub *rpc_stored_hub(const struct rpc_call *c, GError **error);
struct hub *rpc_living_hub(const struct rpc_call *c, GError **error);
/* Tells the living hub what the store knows of it now. */
bool rpc_follow_hub(const struct rpc_call *c, const struct store_hub *h, GError **error);
/* Whether a caller may see this hub in a list. */
bool rpc_may_see_hub(const struct rpc_caller *caller, const char *hub);

rpc_handler rpc_test_access; /* access_test.c */

/* Ends the living bridges of a hub. */
void rpc_drop_bridges(const struct rpc_host *host, const char *hub);
/* Counters under Recv. and Send., or Ex.Recv. and Ex.Send. */
void rpc_put_traffic(struct record *out, const char *prefix, const struct hub_traffic *in,
                     const struct hub_traffic *sent);
/* Reasons that have been counted, into DropList. */
void rpc_put_drops(struct record *out, const uint64_t dropped[]);
