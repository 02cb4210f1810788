/* SPDX-License-Identifier: Apache-2.0 */
/* test-client-reconnect.c - every event in every state, and how long the pauses are. */
#include "apps/client/reconnect.h"
#include "core/base/error.h"

#include <glib.h>

enum { S = 1000000, NO_CHANCE = 0x80000000u }; /* the middle: a pause as it is */

static struct reconnect
in_state(enum reconnect_state state)
{
    struct reconnect r;

    reconnect_init(&r);
    if (state == RECONNECT_DOWN)
        return r;
    g_assert_true(reconnect_up(&r, false));
    if (state == RECONNECT_ESTABLISHED)
        reconnect_established(&r, 100 * S);
    if (state == RECONNECT_WAITING)
        reconnect_ended(&r, PE_DISCONNECTED, NO_CHANCE, 100 * S);
    g_assert_cmpint(r.state, ==, state);
    return r;
}

enum event { UP, ESTABLISHED, ENDED, EARLY, DUE, DOWN, N_EVENTS };

/* The state afterwards, and whether an attempt is to be started or stopped. */
static const struct {
    enum reconnect_state next;
    bool act;
} cells[4][N_EVENTS] = {
    [RECONNECT_DOWN] = {[UP] = {RECONNECT_CONNECTING, true},
                        [ESTABLISHED] = {RECONNECT_DOWN, false},
                        [ENDED] = {RECONNECT_DOWN, false},
                        [EARLY] = {RECONNECT_DOWN, false},
                        [DUE] = {RECONNECT_DOWN, false},
                        [DOWN] = {RECONNECT_DOWN, false}},
    [RECONNECT_CONNECTING] = {[UP] = {RECONNECT_CONNECTING, false},
                              [ESTABLISHED] = {RECONNECT_ESTABLISHED, false},
                              [ENDED] = {RECONNECT_WAITING, false},
                              [EARLY] = {RECONNECT_CONNECTING, false},
                              [DUE] = {RECONNECT_CONNECTING, false},
                              [DOWN] = {RECONNECT_DOWN, true}},
    [RECONNECT_ESTABLISHED] = {[UP] = {RECONNECT_ESTABLISHED, false},
                               [ESTABLISHED] = {RECONNECT_ESTABLISHED, false},
                               [ENDED] = {RECONNECT_WAITING, false},
                               [EARLY] = {RECONNECT_ESTABLISHED, false},
                               [DUE] = {RECONNECT_ESTABLISHED, false},
                               [DOWN] = {RECONNECT_DOWN, true}},
    [RECONNECT_WAITING] = {[UP] = {RECONNECT_CONNECTING, true},
                           [ESTABLISHED] = {RECONNECT_WAITING, false},
                           [ENDED] = {RECONNECT_WAITING, false},
                           [EARLY] = {RECONNECT_WAITING, false},
                           [DUE] = {RECONNECT_CONNECTING, true},
                           [DOWN] = {RECONNECT_DOWN, false}},
};

static void
test_cells(void)
{
    for (unsigned state = 0; state < 4; state++) {
        for (unsigned event = 0; event < N_EVENTS; event++) {
            struct reconnect r = in_state((enum reconnect_state)state);
            bool act = false;
            if (event == UP)
                act = reconnect_up(&r, false);
            else if (event == ESTABLISHED)
                reconnect_established(&r, 101 * S);
            else if (event == ENDED)
                reconnect_ended(&r, PE_DISCONNECTED, NO_CHANCE, 101 * S);
            else if (event == DOWN)
                act = reconnect_down(&r);
            else
                act = reconnect_timeout(&r, event == DUE ? 1000 * S : 100 * S);
            g_assert_cmpint(r.state, ==, cells[state][event].next);
            g_assert_cmpint(act, ==, cells[state][event].act);
            g_assert_cmpint(r.deadline_us != 0, ==, r.state == RECONNECT_WAITING);
        }
    }
}

/* Fails once more and returns the pause. */
static int64_t
fail(struct reconnect *r, int code, uint32_t chance, int64_t *now_us)
{
    reconnect_ended(r, code, chance, *now_us);
    g_assert_cmpint(r->state, ==, RECONNECT_WAITING);
    int64_t pause = r->deadline_us - *now_us;
    g_assert_false(reconnect_timeout(r, r->deadline_us - 1));
    *now_us = r->deadline_us;
    g_assert_true(reconnect_timeout(r, *now_us));
    return pause;
}

static void
test_pauses_grow(void)
{
    static const int64_t want_s[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct reconnect r = in_state(RECONNECT_CONNECTING);
    int64_t now_us = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(want_s); i++)
        g_assert_cmpint(fail(&r, PE_CONNECT_FAILED, NO_CHANCE, &now_us), ==, want_s[i] * S);
    /* a session that does not stand does not begin anew */
    reconnect_established(&r, now_us);
    now_us += RECONNECT_STOOD_US - 1;
    g_assert_cmpint(fail(&r, PE_DISCONNECTED, NO_CHANCE, &now_us), ==, 60 * S);
    reconnect_established(&r, now_us);
    now_us += RECONNECT_STOOD_US;
    g_assert_cmpint(fail(&r, PE_DISCONNECTED, NO_CHANCE, &now_us), ==, 1 * S);
    g_assert_cmpint(fail(&r, PE_CONNECT_FAILED, NO_CHANCE, &now_us), ==, 2 * S);
}

static void
test_chance(void)
{
    int64_t now_us = 0;
    struct reconnect r = in_state(RECONNECT_CONNECTING);

    g_assert_cmpint(fail(&r, PE_CONNECT_FAILED, 0, &now_us), ==, 800000);
    g_assert_cmpint(fail(&r, PE_CONNECT_FAILED, UINT32_MAX, &now_us), >, 2 * 1199000);
    r = in_state(RECONNECT_CONNECTING);
    g_assert_cmpint(fail(&r, PE_CONNECT_FAILED, UINT32_MAX, &now_us), <=, 1200000);
}

static void
test_server_has_no_room(void)
{
    static const int codes[] = {PE_HUB_STOPPING, PE_HUB_FULL, PE_TOO_MANY_USER_SESSIONS};

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        struct reconnect r = in_state(RECONNECT_CONNECTING);
        int64_t now_us = 0;
        g_assert_cmpint(fail(&r, codes[i], 0, &now_us), ==, 60 * S);
        g_assert_cmpint(fail(&r, codes[i], UINT32_MAX, &now_us), <=, 72 * S);
    }
}

/* A refusal ends it, unless it has worked: then the pause is at least half a minute. */
static void
test_refusals(void)
{
    static const int codes[] = {PE_AUTH_FAILED,      PE_ACCESS_DENIED, PE_HUB_NOT_FOUND,
                                PE_CERT_NOT_TRUSTED, PE_TLS_HOSTNAME,  PE_PROXY_AUTH_FAILED,
                                PE_ADDRESS_DENIED};

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        struct reconnect r = in_state(RECONNECT_CONNECTING);
        int64_t now_us = 100 * S;
        reconnect_ended(&r, codes[i], NO_CHANCE, now_us);
        g_assert_cmpint(r.state, ==, RECONNECT_DOWN);
        g_assert_cmpint(r.code, ==, codes[i]);

        r = in_state(RECONNECT_ESTABLISHED);
        g_assert_cmpint(fail(&r, codes[i], 0, &now_us), ==, 30 * S);
        reconnect_init(&r);
        g_assert_true(reconnect_up(&r, true));
        g_assert_cmpint(fail(&r, codes[i], 0, &now_us), ==, 30 * S);
        /* and up by hand does not make it patient when it is down */
        g_assert_true(reconnect_down(&r));
        g_assert_true(reconnect_up(&r, false));
        reconnect_ended(&r, codes[i], 0, now_us);
        g_assert_cmpint(r.state, ==, RECONNECT_DOWN);
    }
}

static void
test_no_hope(void)
{
    static const int codes[] = {PE_CANCELLED, PE_AUTH_NOT_SUPPORTED, PE_AUTO_DISCONNECT, PE_DEVICE};

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        struct reconnect r = in_state(RECONNECT_ESTABLISHED);
        reconnect_ended(&r, codes[i], NO_CHANCE, 200 * S);
        g_assert_cmpint(r.state, ==, RECONNECT_DOWN);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client-reconnect/cells", test_cells);
    g_test_add_func("/client-reconnect/pauses-grow", test_pauses_grow);
    g_test_add_func("/client-reconnect/chance", test_chance);
    g_test_add_func("/client-reconnect/server-has-no-room", test_server_has_no_room);
    g_test_add_func("/client-reconnect/refusals", test_refusals);
    g_test_add_func("/client-reconnect/no-hope", test_no_hope);
    return g_test_run();
}
