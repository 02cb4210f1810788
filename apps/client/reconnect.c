/* SPDX-License-Identifier: Apache-2.0 */
/* reconnect.c - see reconnect.h. */
#include "apps/client/reconnect.h"

#include "core/base/error.h"

#include <glib.h>

/* What an end means for the next try. */
enum hope {
    HOPE,       /* ordinary: the pause grows */
    HOPE_LATER, /* the server said that it has no room now */
    HOPE_SMALL, /* ours to put right, unless it has worked before */
    HOPE_NONE,
};

static enum hope
hope_after(int code)
{
    switch (code) {
    case PE_HUB_STOPPING:
    case PE_HUB_FULL:
    case PE_TOO_MANY_USER_SESSIONS:
        return HOPE_LATER;
    case PE_AUTH_FAILED:
    case PE_ACCESS_DENIED:
    case PE_HUB_NOT_FOUND:
    case PE_CERT_NOT_TRUSTED:
    case PE_TLS_HOSTNAME:
    case PE_PROXY_AUTH_FAILED:
    case PE_ADDRESS_DENIED:
        return HOPE_SMALL;
    case PE_CANCELLED:
    case PE_AUTH_NOT_SUPPORTED:
    case PE_AUTO_DISCONNECT:
    case PE_DEVICE:
    case PE_INVALID_PARAMETER:
    case PE_MONITOR_DENIED:
    case PE_BRIDGE_DENIED:
        return HOPE_NONE;
    default:
        return HOPE;
    }
}

const char *
reconnect_state_name(enum reconnect_state s)
{
    static const char *const names[] = {[RECONNECT_DOWN] = "down",
                                        [RECONNECT_CONNECTING] = "connecting",
                                        [RECONNECT_ESTABLISHED] = "established",
                                        [RECONNECT_WAITING] = "waiting"};
    return names[s];
}

void
reconnect_init(struct reconnect *r)
{
    *r = (struct reconnect){.state = RECONNECT_DOWN, .pause_us = RECONNECT_FIRST_US};
}

bool
reconnect_up(struct reconnect *r, bool patient)
{
    bool start = r->state == RECONNECT_DOWN || r->state == RECONNECT_WAITING;

    if (r->state == RECONNECT_DOWN) {
        reconnect_init(r);
        r->is_patient = patient;
    }
    if (start) {
        r->state = RECONNECT_CONNECTING;
        r->deadline_us = 0;
        r->tries++;
    }
    return start;
}

bool
reconnect_timeout(struct reconnect *r, int64_t now_us)
{
    if (r->state != RECONNECT_WAITING || now_us < r->deadline_us)
        return false;
    r->state = RECONNECT_CONNECTING;
    r->deadline_us = 0;
    r->tries++;
    return true;
}

bool
reconnect_down(struct reconnect *r)
{
    bool stop = r->state == RECONNECT_CONNECTING || r->state == RECONNECT_ESTABLISHED;

    reconnect_init(r);
    return stop;
}

void
reconnect_established(struct reconnect *r, int64_t now_us)
{
    if (r->state != RECONNECT_CONNECTING)
        return;
    r->state = RECONNECT_ESTABLISHED;
    r->established_us = now_us;
    r->is_patient = true;
    r->tries = 0;
    r->code = PE_OK;
}

/* Grows the pause for the time after this one. */
static int64_t
take_pause(struct reconnect *r)
{
    int64_t pause = r->pause_us;

    r->pause_us = MIN(pause * 2, (int64_t)RECONNECT_MOST_US);
    return pause;
}

/* From four fifths to six fifths of it. */
static int64_t
with_chance(int64_t pause_us, uint32_t chance)
{
    return pause_us * 4 / 5 + (int64_t)((uint64_t)(pause_us * 2 / 5) * chance >> 32);
}

void
reconnect_ended(struct reconnect *r, int code, uint32_t chance, int64_t now_us)
{
    if (r->state != RECONNECT_CONNECTING && r->state != RECONNECT_ESTABLISHED)
        return;
    if (r->state == RECONNECT_ESTABLISHED && now_us - r->established_us >= RECONNECT_STOOD_US)
        r->pause_us = RECONNECT_FIRST_US;
    r->code = code;

    enum hope hope = hope_after(code);
    if (hope == HOPE_NONE || (hope == HOPE_SMALL && !r->is_patient)) {
        r->state = RECONNECT_DOWN;
        return;
    }
    int64_t pause = take_pause(r);
    if (hope == HOPE_LATER)
        pause = RECONNECT_MOST_US;
    else if (hope == HOPE_SMALL)
        pause = MAX(pause, (int64_t)RECONNECT_REFUSED_US);
    /* "at least" is meant so: chance adds to it, but takes nothing off */
    int64_t least = hope == HOPE ? 0 : pause;
    r->state = RECONNECT_WAITING;
    r->deadline_us = now_us + MAX(with_chance(pause, chance), least);
}
