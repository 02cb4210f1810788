/* SPDX-License-Identifier: Apache-2.0 */
/* hub_impair.c - what access rules do to frames that pass: they wait, get lost, or are answered
 * with a redirection.
 *
 * A port from which such frames come has a delay line and a timer, made with the first of them.
 * What waited goes on behind the rules, to where its receiver is then. Frames for all that a rule
 * judged for each receiver do not wait: each of them would have to by itself.
 */

#include "core/base/clock.h"
#include "core/hub/hub_priv.h"
#include "core/hub/shape/delay_line.h"
#include "core/hub/shape/redirect.h"
#include "core/net/ip.h"

#include <string.h>

struct hub_impair {
    struct delay_line *line;
    struct timer timer;
    struct hub_port *port;
    uint64_t chance; /* state of the generator; never 0 */
};

/* A step of xorshift: chance for lines, not for secrets. */
static uint32_t
next_random(struct hub_impair *i)
{
    i->chance ^= i->chance << 13;
    i->chance ^= i->chance >> 7;
    i->chance ^= i->chance << 17;
    return (uint32_t)(i->chance >> 32);
}

static void
arm(struct hub_impair *i)
{
    if (delay_line_held(i->line) > 0)
        timer_arm(worker_timers(i->port->tube.home), &i->timer, delay_line_due_us(i->line));
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct hub_impair *i = container_of(t, struct hub_impair, timer);

    while (delay_line_due_us(i->line) <= now_us) {
        struct batch out = {.n = 0};
        delay_line_pull(i->line, &out, now_us);
        if (out.n == 0)
            break;
        hub_port_go_on(i->port, &out, now_us);
    }
    arm(i);
}

static struct hub_impair *
impair_of(struct hub_port *in)
{
    if (in->impair)
        return in->impair;
    struct hub_impair *i = g_new0(struct hub_impair, 1);
    i->line = delay_line_new();
    i->port = in;
    i->chance = (in->hub->access.secret[0] ^ in->id) | 1;
    timer_init(&i->timer, on_timer);
    in->impair = i;
    return i;
}

void
hub_impair_free(struct hub_port *port)
{
    struct hub_impair *i = port->impair;

    if (!i)
        return;
    unsigned held = delay_line_held(i->line);
    if (held > 0)
        hub_port_count_drop(port, DROP_PORT_DOWN, held);
    timer_cancel(worker_timers(port->tube.home), &i->timer);
    delay_line_free(i->line);
    g_free(i);
    port->impair = NULL;
}

/* ---- redirection ---- */

static struct frame *
answer_of(struct hub_port *in, const struct acl_action *a, const struct frame *f,
          const struct flow *flow)
{
    const uint8_t *key = (const uint8_t *)in->hub->access.secret;
    char url[REDIRECT_URL_MAX + 1];
    const struct redirect_who who = {
        .user = in->user ? in->user : "",
        .session = in->name,
        .client = in->client,
        .wall_ms = clock_wall_ms(),
    };
    bool has_url = redirect_needs_url(key, f, flow) && redirect_url(a->redirect_url, &who, url);

    return redirect_answer(key, f, flow, has_url ? url : NULL, worker_pool(in->tube.home));
}

/* ---- on the way ---- */

static enum drop
wait(struct hub_port *in, const struct acl_action *a, struct frame *f, int64_t now_us)
{
    struct hub_impair *i = impair_of(in);
    const struct impairment what = {a->delay_ms, a->jitter_percent, a->loss_percent};
    bool was_idle = delay_line_held(i->line) == 0;
    int64_t first_us = delay_line_due_us(i->line);

    if (impairment_loses(&what, next_random(i))) {
        frame_free(f);
        return DROP_ACL;
    }
    int64_t due_us = now_us + impairment_wait_us(&what, next_random(i));
    enum drop why = delay_line_push(i->line, f, due_us);
    if (why == DROP_NONE && (was_idle || due_us < first_us))
        arm(i);
    return why;
}

static bool
is_redirected(const struct acl_action *a, const struct flow *flow)
{
    return a->redirect_url && flow->proto == IP_PROTO_TCP && flow->l4 != 0;
}

bool
hub_impairs(const struct acl_action *a, const struct flow *flow)
{
    return a->delay_ms > 0 || a->loss_percent > 0 || is_redirected(a, flow);
}

enum drop
hub_impair(struct hub_port *in, const struct acl_action *a, struct frame *f,
           const struct flow *flow, int64_t now_us, struct batch *answers)
{
    if (is_redirected(a, flow)) {
        struct frame *answer = answer_of(in, a, f, flow);
        if (answer)
            batch_add(answers, answer);
        frame_free(f);
        return DROP_NONE;
    }
    return wait(in, a, f, now_us);
}
