/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - RADIUS for the hubs of a server: the back-end of auth.c, and the accounting of what
 * comes of its logins. Control thread.
 *
 * A hub's settings are asked for when they are first needed, and kept until somebody says that they
 * have changed; a change forgets logins and reports under way at the old servers, whose logins are
 * answered as if nobody had been there.
 */
#pragma once

#include "core/auth/backend.h"
#include "core/auth/radius/net.h"
#include "core/auth/radius/sessions.h"

enum {
    RADIUS_PORT = 1812,
    RADIUS_ACCOUNTING_PORT = 1813,
    RADIUS_COA_PORT = 3799,
    RADIUS_INTERVAL_MS = 3000,
    RADIUS_TIMEOUT_MS = 9000,
    RADIUS_REPORTS = 4096, /* accounting requests of a hub that wait for an answer; the oldest one
                              makes room */
    RADIUS_REPORT_AGAIN_S = 30,   /* when no server took one */
    RADIUS_REPORT_LIFE_S = 86400, /* then it is given up */
};

/* How one hub is set. */
struct radius_settings {
    struct {
        char *host;
        uint16_t port, accounting_port; /* accounting_port 0: none there */
        struct radius_secret secret;
    } servers[RADIUS_SERVERS];
    unsigned n;
    unsigned interval_ms, timeout_ms;
    bool require_authenticator;
    bool accounting;
    unsigned interim_s;   /* 0: only when the server asks for it */
    char *nas_identifier; /* NULL: the hub's name */
    bool coa;             /* take Disconnect and CoA requests of the servers */
};
void radius_settings_free(struct radius_settings *s); /* wipes; NULL is fine */

struct radius_service_ops {
    /* NULL: the hub has no RADIUS server. Transfer full. */
    struct radius_settings *(*settings)(void *owner, const char *hub);
    /* As in sessions.h, for sessions that were announced by radius_service_started(). */
    bool (*counters)(void *owner, uint64_t account, struct radius_counters *out);
    void (*stop)(void *owner, uint64_t account);
    bool (*limit)(void *owner, uint64_t account, uint32_t max_upload, uint32_t max_download);
};

struct radius_service;

/* ops is borrowed. boot: different for each run of the server. */
struct radius_service *
radius_service_new(const struct radius_service_ops *ops, void *owner, uint64_t boot);
void radius_service_free(struct radius_service *s);
/* For auth_set_backend(); valid as long as s. Give auth before the first login. */
const struct auth_backend *radius_service_backend(struct radius_service *s, struct auth *auth);
void radius_service_changed(struct radius_service *s, const char *hub);

/* A hub has let in a session of this account; it is over. Accounts that are not RADIUS's are fine.
 */
void radius_service_started(struct radius_service *s, uint64_t account, const struct ip *address);
void radius_service_ended(struct radius_service *s, uint64_t account,
                          const struct radius_counters *counters, enum radius_cause cause);

/* ---- for CoA and Disconnect (coa.h) ---- */

struct radius_sessions *radius_service_sessions(struct radius_service *s);
struct radius_peer {
    const char *hub; /* borrowed for the call */
    const struct radius_secret *secret;
};
/* The i-th hub that takes requests from this address with its secret; false: no more. */
bool radius_service_peer(struct radius_service *s, const struct ip *from, unsigned i,
                         struct radius_peer *out);

/* What the servers of a hub did. False: no such server. accounting: as one for that. */
bool radius_service_stats(struct radius_service *s, const char *hub, unsigned server,
                          bool accounting, struct radius_server_stats *out);
/* Asks each server of the hub for a sign of life (RFC 5997); the result is a sentence, later. */
void radius_service_test(struct radius_service *s, const char *hub);
/* Borrowed; "": there was no test. */
const char *radius_service_test_result(struct radius_service *s, const char *hub, unsigned server);
/* Accounting requests of the hub that wait, and those that were given up. */
void radius_service_reports(struct radius_service *s, const char *hub, unsigned *waiting,
                            uint64_t *lost);
