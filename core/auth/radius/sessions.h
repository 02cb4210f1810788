/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.h - the sessions that came of RADIUS logins, as a machine: when to report them, when
 * they are over (Session-Timeout, Idle-Timeout), and which of them somebody means (CoA,
 * Disconnect).
 *
 * A session is made with the login's answer and known by its account (backend.h); it starts when a
 * hub has let it in, which may never happen: then it is forgotten after a while. Reports are the
 * attributes of accounting requests (RFC 2866) without head; whoever sends them does so until they
 * are answered.
 */
#pragma once

#include "core/auth/radius/login.h"

enum {
    RADIUS_SESSIONS = 65536, /* more are not accounted */
    RADIUS_START_S = 300,    /* for a login to become a session */
    RADIUS_USAGE_S = 10,     /* how often a session with an idle limit is looked at */
    RADIUS_REPORT_MAX = RADIUS_PACKET_MAX - RADIUS_HEAD - 18,
};

/* As the user sees it: in came from him. */
struct radius_counters {
    uint64_t in_bytes, in_frames, out_bytes, out_frames;
};

enum radius_cause { /* Acct-Terminate-Cause */
                    RADIUS_USER_REQUEST = 1,
                    RADIUS_LOST_CARRIER = 2,
                    RADIUS_IDLE_TIMEOUT_OVER = 4,
                    RADIUS_SESSION_TIMEOUT_OVER = 5,
                    RADIUS_ADMIN_RESET = 6,
                    RADIUS_NAS_ERROR = 9,
                    RADIUS_NAS_REQUEST = 10,
};

struct radius_sessions_ops {
    /* What has gone through it so far. False: it is not there. */
    bool (*counters)(void *owner, uint64_t account, struct radius_counters *out);
    /* Ask it to end; radius_sessions_ended() comes later. */
    void (*stop)(void *owner, uint64_t account);
    /* Other limits for it, in bit/s; 0: as it is. False: that cannot be done. */
    bool (*limit)(void *owner, uint64_t account, uint32_t max_upload, uint32_t max_download);
    /* Attributes of one accounting request; last: the session is over. */
    void (*report)(void *owner, const char *hub, struct reader attributes, bool last);
};

struct radius_sessions;

struct radius_sessions *radius_sessions_new(const struct radius_sessions_ops *ops, void *owner);
void radius_sessions_free(struct radius_sessions *s);

struct radius_session_config {
    uint64_t account;
    const struct radius_login *login;
    const struct auth_answer *answer; /* a yes */
    bool report;
    uint32_t interim_s; /* when the answer does not say; 0: none */
};
void radius_sessions_add(struct radius_sessions *s, const struct radius_session_config *config,
                         int64_t now_us);
/* The hub has let it in. address: the user's, family 0 when it is not known. wall_s: since 1970. */
void radius_sessions_started(struct radius_sessions *s, uint64_t account, const struct ip *address,
                             int64_t now_us, int64_t wall_s);
/* It is over. The cause is used unless the session was ended from here. */
void radius_sessions_ended(struct radius_sessions *s, uint64_t account,
                           const struct radius_counters *counters, enum radius_cause cause,
                           int64_t now_us, int64_t wall_s);
void radius_sessions_tick(struct radius_sessions *s, int64_t now_us, int64_t wall_s);
int64_t radius_sessions_deadline(const struct radius_sessions *s); /* 0: none */
unsigned radius_sessions_count(const struct radius_sessions *s);

/* ---- for CoA and Disconnect ---- */

/* What names a session; what is not "" must be right. Without case for user and hub. */
struct radius_whom {
    char session[RADIUS_SESSION_ID];
    char user[256];
    char calling[IP_TEXT];
};
/* Accounts of the sessions of a hub that have started (uint64_t); g_array_unref(). */
GArray *radius_sessions_find(const struct radius_sessions *s, const char *hub,
                             const struct radius_whom *whom);
void radius_sessions_stop(struct radius_sessions *s, uint64_t account, enum radius_cause cause);
/* So many seconds from now; 0: none. */
void radius_sessions_set_timeout(struct radius_sessions *s, uint64_t account, uint32_t session_s,
                                 int64_t now_us);
void radius_sessions_set_idle(struct radius_sessions *s, uint64_t account, uint32_t idle_s,
                              int64_t now_us);
bool radius_sessions_limit(struct radius_sessions *s, uint64_t account, uint32_t max_upload,
                           uint32_t max_download);
