/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - who is at a port, since when, by which protocol; and how to end it.
 *
 * The protocol makes a session on its worker once the peer is authenticated, and ends it there. The
 * hub's list holds a reference; control reads it and may ask it to stop. Fields without a comment
 * are constant after session_start().
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/policy.h"
#include "core/base/timer.h"
#include "core/hub/hub_port.h"

#include <stdatomic.h>

struct session_config {
    const char *user;      /* as authenticated */
    const char *auth_user; /* as it was asked for, when another; or NULL */
    const char *record; /* the user in the store that it counts for, when another ("*"); or NULL */
    uint64_t account;   /* by which a back-end of auth knows it; 0: none does */
    const char *group;  /* or NULL */
    const char *protocol; /* "SE-VPN", ... */
    const char *tag;      /* inserted in the name: SID-USER-[TAG]-n; NULL for none */
    struct endpoint peer;
    struct endpoint local;
    const char *client_name; /* product the peer says it is; untrusted text */
    const char *client_host; /* host name it says; untrusted */
    const char *client_os;
    uint32_t client_ver, client_build;
    const char *cipher;
    struct policy policy;
    unsigned max_frame;
    unsigned max_connections;
    bool compressed, half_duplex, qos, bridge_mode, monitor_mode, super_frames;
    uint8_t unique_id[16];
};

struct session {
    struct hub_port *port; /* home; receives until session_end() */
    struct worker *home;
    bool ended;        /* home */
    struct timer bell; /* home; rings when the policy's AutoDisconnect is over */
    struct hub *hub;
    char *name; /* SID-ALICE-3 */
    char *user, *auth_user, *group, *protocol, *client_name, *client_host, *client_os, *cipher;
    char *record;
    uint64_t account;
    struct endpoint peer, local;
    struct policy policy;
    uint32_t client_ver, client_build;
    uint32_t number;
    unsigned max_connections;
    bool compressed, half_duplex, qos, bridge_mode, monitor_mode, super_frames;
    uint8_t unique_id[16];
    int64_t created_ms;
    atomic_uint connections;      /* of its transport; written at home, read anywhere */
    _Atomic int64_t last_comm_ms; /* likewise */
    const struct session_ops *ops;
    void *owner; /* the protocol's */
    atomic_uint refs;
};

struct session_ops {
    struct hub_port_ops port;
    /* End for this reason (enum pe_error). On the home worker; may be called twice. The protocol
     * calls session_end() then or a little later. */
    void (*stop)(struct session *s, int reason);
};

/* Attaches a port and enters the list. On the worker that will be its home. Checks max_sessions of
 * the hub and MultiLogins of the policy (PE_HUB_FULL, PE_TOO_MANY_USER_SESSIONS), and that the
 * policy lets it monitor if it wants to (PE_MONITOR_DENIED). deliver()'s port has the session as
 * its owner. */
struct session *session_start(struct hub *hub, const struct session_config *config,
                              const struct session_ops *ops, void *owner, GError **error);
/* Detaches, leaves the list, logs the reason and the traffic, drops the protocol's reference. Home.
 */
void session_end(struct session *s, int reason);

struct session *session_ref(struct session *s);
void session_unref(struct session *s);

/* What its port counted, also after its end. Whoever holds a reference. */
void session_get_stats(const struct session *s, struct hub_port_stats *out);

/* Any thread: asks it to stop; returns at once. */
void session_request_stop(struct session *s, int reason);

/* Any thread: the speed of its port from now on, as hub_port_set_speed(); returns at once. */
void session_set_speed(struct session *s, uint64_t in_bits, uint64_t out_bits);

/* Control: referenced sessions of a hub (element free function set), sorted by number; or the one
 * of that name, NULL if none. */
GPtrArray *hub_session_list(struct hub *hub);
struct session *hub_session_find(struct hub *hub, const char *name);
