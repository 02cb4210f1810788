/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - the server's side of an SSTP call, as a machine: control messages and now_us in; control
 * messages, two turning points and one deadline out.
 *
 * States: WAIT_REQUEST (HTTP is through) -> WAIT_CONNECTED (PPP runs; no IP) -> CONNECTED (the
 * crypto binding was right) -> DISCONNECTING or ABORTING (a last word to wait for) -> DEAD.
 * Timers ([MS-SSTP], 3.3.2): SSTP_NEGOTIATION_S for each step to CONNECTED but the login; an echo
 * after SSTP_ECHO_S of silence, the end after SSTP_SILENCE_S of it; SSTP_ABORT_MS,
 * SSTP_DISCONNECT_MS for the peer's last word, SSTP_LINGER_MS after ours. Limits: SSTP_NAKS bad
 * requests.
 */
#pragma once

#include "core/proto/sstp/binding.h"

enum {
    SSTP_NEGOTIATION_S = 60,
    SSTP_LOGIN_S = 210, /* to the login: PPP gives up before, when nobody is being asked */
    SSTP_ECHO_S = 20,
    SSTP_SILENCE_S = 80,
    SSTP_ABORT_MS = 3000,
    SSTP_DISCONNECT_MS = 5000,
    SSTP_LINGER_MS = 1000,
    SSTP_NAKS = 3,
};

enum sstp_state {
    SSTP_WAIT_REQUEST,
    SSTP_WAIT_CONNECTED,
    SSTP_CONNECTED,
    SSTP_DISCONNECTING,
    SSTP_ABORTING,
    SSTP_DEAD,
};

struct sstp_call_ops {
    /* A whole record. */
    void (*send)(void *owner, struct reader record, int64_t now_us);
    /* PPP may begin. */
    void (*accepted)(void *owner, int64_t now_us);
    /* IP may pass. */
    void (*connected)(void *owner, int64_t now_us);
    /* We abort the call; why is for an administrator, a fixed text. */
    void (*refused)(void *owner, const char *why);
    /* The connection is to be closed; the last call. reason: enum pe_error. */
    void (*ended)(void *owner, int reason, int64_t now_us);
};

struct sstp_call {
    const struct sstp_call_ops *ops;
    void *owner;
    enum sstp_state state;
    struct sstp_binding binding;
    int64_t deadline_us, last_in_us; /* deadline_us 0: none */
    unsigned naks;
    int reason;
    bool known, has_early;
    uint8_t early[SSTP_CONNECTED_SIZE]; /* Call Connected that came before the login's end */
};

/* ops is borrowed. The binding is whole but for keys. Callbacks may not free the call. */
void sstp_call_init(struct sstp_call *c, const struct sstp_binding *binding,
                    const struct sstp_call_ops *ops, void *owner, int64_t now_us);
void sstp_call_wipe(struct sstp_call *c);
/* A whole control record. */
void sstp_call_receive(struct sstp_call *c, struct reader record, int64_t now_us);
/* A data record has come. */
void sstp_call_heard(struct sstp_call *c, int64_t now_us);
/* What came is no SSTP. */
void sstp_call_broken(struct sstp_call *c, int64_t now_us);
/* PPP's login is through; keys may be NULL. */
void sstp_call_known(struct sstp_call *c, const struct mschap_keys *keys, int64_t now_us);
/* PPP is over. */
void sstp_call_disconnect(struct sstp_call *c, int reason, int64_t now_us);
void sstp_call_tick(struct sstp_call *c, int64_t now_us);
/* Whether PPP frames go either way. */
bool sstp_call_carries(const struct sstp_call *c);
