/* SPDX-License-Identifier: Apache-2.0 */
/* reconnect.h - whether, and when, to try again: a machine without I/O and without a clock.
 *
 *          up              established            ended             deadline
 *   DOWN -----> CONNECTING ----------> ESTABLISHED ----> WAITING -----------> CONNECTING ...
 *    ^               |  ended, no hope                      |
 *    +---------------+----------------- down ---------------+
 *
 * The pause grows from RECONNECT_FIRST_US to RECONNECT_MOST_US, a fifth more or less by chance so
 * that many clients do not come back together; a session that stood RECONNECT_STOOD_US starts it
 * anew. Some ends mean a longer pause (the hub is full or stopping), and some mean that another try
 * is useless or harmful (a wrong password, a certificate that is not trusted): those end in DOWN,
 * unless a login with these settings has worked before: then it is the server that has a fault, and
 * whoever left the machine alone wants it to come back by itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    RECONNECT_FIRST_US = 1 * 1000000,
    RECONNECT_MOST_US = 60 * 1000000,
    RECONNECT_STOOD_US = 30 * 1000000,
    RECONNECT_REFUSED_US = 30 * 1000000, /* at least, after a refusal that may be an error */
};

enum reconnect_state {
    RECONNECT_DOWN,
    RECONNECT_CONNECTING,
    RECONNECT_ESTABLISHED,
    RECONNECT_WAITING,
};

struct reconnect {
    enum reconnect_state state;
    int64_t deadline_us;    /* WAITING: when to call reconnect_timeout(); else 0 */
    int64_t established_us; /* ESTABLISHED: since when */
    int64_t pause_us;       /* the next one, before chance */
    bool is_patient;        /* a login has worked: hope stays */
    unsigned tries;         /* since up or the last session */
    int code;               /* enum pe_error: why the last try or session ended; PE_OK for none */
};

const char *reconnect_state_name(enum reconnect_state s); /* "down", "connecting" ... */

/* Down. */
void reconnect_init(struct reconnect *r);
/* Each of these returns whether an attempt is to be started (or, for _down, stopped) now. */
/* patient: these settings have worked before, and nobody sits waiting for an answer. */
bool reconnect_up(struct reconnect *r, bool patient);
bool reconnect_timeout(struct reconnect *r, int64_t now_us);
bool reconnect_down(struct reconnect *r);

void reconnect_established(struct reconnect *r, int64_t now_us);
/* chance: 32 random bits. The state afterwards is WAITING or DOWN. */
void reconnect_ended(struct reconnect *r, int code, uint32_t chance, int64_t now_us);
