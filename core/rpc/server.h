/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the administration of a running server: who may call what, and the calls themselves.
 *
 * One dispatcher reads rights and fields from core/rpc/wire/method.h. A change goes into the store
 * first (durable), then to the living objects; when that fails, the store is put back and the
 * answer says so. Handlers run on the control thread and do not wait; scrypt runs on helpers
 * before the handler starts.
 */
#pragma once

#include "core/auth/auth.h"
#include "core/base/addr.h"
#include "core/hub/hubs.h"
#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum rpc_listener_state {
    RPC_LISTENER_CLOSED,
    RPC_LISTENER_OPEN,
    RPC_LISTENER_ERROR, /* wanted, but the system refuses the port */
};

/* What lives outside core/rpc's reach. All on the control thread, none may call back. */
struct vhost;

/* A look at the packets of a hub: ReadCapture. */
struct rpc_capture {
    const char *hub, *session; /* session NULL: all */
    uint32_t id;               /* 0: a new one; out: of this one */
    bool stop;
    GByteArray *bytes; /* what there is is appended */
    uint64_t lost;     /* out */
};

struct rpc_host_ops {
    /* Opens a TCP port on all addresses. Open already: true. False: it is in RPC_LISTENER_ERROR and
     * the host need not try again by itself. */
    bool (*listener_open)(void *owner, uint16_t port, GError **error);
    /* Closes it and forgets its error; what was accepted by it goes on. */
    void (*listener_close)(void *owner, uint16_t port);
    enum rpc_listener_state (*listener_state)(void *owner, uint16_t port);
    /* The server's key and certificate in the store are others (identity.h): use them for new
     * connections. False: the old ones stay in use. */
    bool (*cert_changed)(void *owner, GError **error);
    /* The options of the hub's virtual host in the store are others (securenat_config.h), or the
     * hub is gone: start it, change it, stop it. May be NULL, as all that follow. */
    bool (*securenat_changed)(void *owner, const char *hub, GError **error);
    /* The living one, borrowed; NULL when it does not run. */
    struct vhost *(*securenat)(void *owner, const char *hub);
    /* The settings of OpenVPN in the store are others (openvpn_config.h). */
    bool (*openvpn_changed)(void *owner, GError **error);
    /* RPC_SETTING_SSTP_OFF in the store is another. */
    void (*sstp_changed)(void *owner);
    /* A client's profile for the fields of MakeOpenVpnProfile; wipe it. */
    GString *(*openvpn_profile)(void *owner, const struct record *in, GError **error);
    /* A key file of the control channel; secret_free_str(). */
    char *(*openvpn_key)(void *owner, const char *control, GError **error);
    /* The settings of IPsec or L2TP (ipsec_config.h), the routers, or authorities of a hub in the
     * store are others. */
    bool (*ipsec_changed)(void *owner, GError **error);
    /* Fill in the answers of GetIPsecStatus and EnumIPsecPeer. */
    void (*ipsec_status)(void *owner, struct record *out);
    void (*ipsec_peers)(void *owner, struct record *out);
    /* The settings of logs in the store (log_config.h) are others: the server's (hub NULL), or a
     * hub's, which may be new or gone. */
    bool (*logs_changed)(void *owner, const char *hub, GError **error);
    /* Fills in the answer of GetLogStatus. */
    void (*log_status)(void *owner, struct record *out);
    bool (*capture)(void *owner, struct rpc_capture *want, GError **error);
    /* The RADIUS servers of a hub (radius_config.h) in the store are others, or the hub is gone. */
    void (*radius_changed)(void *owner, const char *hub);
    /* Adds how they do to the answer of GetHubRadius; asks them for a sign of life. */
    void (*radius_status)(void *owner, const char *hub, struct record *out);
    void (*radius_test)(void *owner, const char *hub);
    /* TCP connections that are open now, of all kinds. May be NULL. */
    unsigned (*tcp_connections)(void *owner);
};

/* Everything is borrowed and outlives the rpc_server. */
struct rpc_host {
    struct store *store;
    struct hubs *hubs; /* has a hub for each in the store; handlers keep it so */
    struct auth *auth; /* for bans; NULL: none are made */
    /* Living local bridges (struct bridge, element free function bridge_free), one for each in the
     * store; handlers keep it so. */
    GPtrArray *bridges;
    const struct rpc_host_ops *ops;
    void *owner;
    const char *log_folder; /* NULL: there are no log files */
};

/* Names of settings in the store that handlers read and write. */
#define RPC_SETTING_ADMIN_VERIFIER "admin_verifier" /* text: scrypt; unset: no remote login */
#define RPC_SETTING_CORS_ORIGINS   "cors_origins"   /* text: origins, separated by spaces */
#define RPC_SETTING_API_OFF        "api_off"        /* text "1": no API on TCP listeners */
#define RPC_SETTING_SSTP_OFF       "sstp_off"       /* text "1": no new SSTP sessions */

enum rpc_rank { RPC_RANK_NONE, RPC_RANK_HUB, RPC_RANK_SERVER };

struct rpc_caller {
    enum rpc_rank rank;
    char hub[HUB_NAME_MAX + 1]; /* of RPC_RANK_HUB */
    char peer[ENDPOINT_TEXT];   /* for the log: "192.0.2.1:4711", "uid 0" */
};

struct rpc_server;

/* Control thread, whose default main context becomes the server's. host is copied. */
struct rpc_server *rpc_server_new(const struct rpc_host *host);
/* Waits for helpers. Calls that are under way are forgotten: nobody is called any more (but see
 * rpc_dispatch_async()), and none may be cancelled afterwards. */
void rpc_server_free(struct rpc_server *s);

/* One call, at once, on the control thread; a password in it is hashed right here. NULL and an
 * error with a PE_ code when refused or failed. in may hold fields that the method does not know;
 * they are ignored. */
struct record *rpc_dispatch(struct rpc_server *s, const struct rpc_caller *caller,
                            const char *method, const struct record *in, GError **error);

/* The same without blocking: passwords are hashed on a helper. in is taken. done comes exactly once
 * on the control thread, never from inside; from rpc_server_free() with PE_CANCELLED. out is passed
 * on. */
typedef void rpc_done(void *owner, struct record *out, const GError *error);
void rpc_dispatch_async(struct rpc_server *s, const struct rpc_caller *caller, const char *method,
                        struct record *in, rpc_done *done, void *owner);
