/* SPDX-License-Identifier: Apache-2.0 */
/* test-ppp-fsm.c - the automaton against the table as RFC 1661, 4.1, prints it; and its counters
 * and timers. */

#include "core/proto/ppp/fsm.h"

#include <glib.h>

#include <string.h>

#define S INT64_C(1000000)

/* ---- the table ---- */

static const struct {
    enum ppp_event event;
    const char *cell[PPP_N_STATES];
} rfc[] = {
    {PPP_UP, {"2", "irc,scr/6", "-", "-", "-", "-", "-", "-", "-", "-"}},
    {PPP_DOWN, {"-", "-", "0", "tls/1", "0", "1", "1", "1", "1", "tld/1"}},
    {PPP_OPEN, {"tls/1", "1", "irc,scr/6", "3r", "5r", "5r", "6", "7", "8", "9r"}},
    {PPP_CLOSE,
     {"0", "tlf/0", "2", "2", "4", "4", "irc,str/4", "irc,str/4", "irc,str/4", "tld,irc,str/4"}},
    {PPP_TO_PLUS, {"-", "-", "-", "-", "str/4", "str/5", "scr/6", "scr/6", "scr/8", "-"}},
    {PPP_TO_MINUS, {"-", "-", "-", "-", "tlf/2", "tlf/3", "tlf/3p", "tlf/3p", "tlf/3p", "-"}},
    {PPP_RCR_PLUS,
     {"-", "-", "sta/2", "irc,scr,sca/8", "4", "5", "sca/8", "sca,tlu/9", "sca/8",
      "tld,scr,sca/8"}},
    {PPP_RCR_MINUS,
     {"-", "-", "sta/2", "irc,scr,scn/6", "4", "5", "scn/6", "scn/7", "scn/6", "tld,scr,scn/6"}},
    {PPP_RCA, {"-", "-", "sta/2", "sta/3", "4", "5", "irc/7", "scr/6x", "irc,tlu/9", "tld,scr/6x"}},
    {PPP_RCN,
     {"-", "-", "sta/2", "sta/3", "4", "5", "irc,scr/6", "scr/6x", "irc,scr/8", "tld,scr/6x"}},
    {PPP_RTR,
     {"-", "-", "sta/2", "sta/3", "sta/4", "sta/5", "sta/6", "sta/6", "sta/6", "tld,zrc,sta/5"}},
    {PPP_RTA, {"-", "-", "2", "3", "tlf/2", "tlf/3", "6", "6", "8", "tld,scr/6"}},
    {PPP_RUC, {"-", "-", "scj/2", "scj/3", "scj/4", "scj/5", "scj/6", "scj/7", "scj/8", "scj/9"}},
    {PPP_RXJ_PLUS, {"-", "-", "2", "3", "4", "5", "6", "6", "8", "9"}},
    {PPP_RXJ_MINUS,
     {"-", "-", "tlf/2", "tlf/3", "tlf/2", "tlf/3", "tlf/3", "tlf/3", "tlf/3", "tld,irc,str/5"}},
    {PPP_RXR, {"-", "-", "2", "3", "4", "5", "6", "7", "8", "ser/9"}},
};

static unsigned
action_of(const char *name)
{
    static const char *const names[] = {"tlu", "tld", "tls", "tlf", "irc", "zrc", "scr",
                                        "sca", "scn", "str", "sta", "scj", "ser"};

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return 1u << i;
    }
    g_assert_not_reached();
}

static void
test_table(void)
{
    g_assert_cmpuint(G_N_ELEMENTS(rfc), ==, PPP_N_EVENTS);
    for (unsigned e = 0; e < G_N_ELEMENTS(rfc); e++) {
        for (unsigned s = 0; s < PPP_N_STATES; s++) {
            const char *cell = rfc[e].cell[s];
            const char *slash = strchr(cell, '/');
            unsigned want = 0;
            unsigned next = s;
            enum ppp_state got = PPP_INITIAL;

            if (slash) {
                g_autofree char *list = g_strndup(cell, (size_t)(slash - cell));
                g_auto(GStrv) part = g_strsplit(list, ",", -1);
                for (char **p = part; *p; p++)
                    want |= action_of(*p);
            }
            if (cell[0] != '-')
                next = (unsigned)((slash ? slash[1] : cell[0]) - '0');
            unsigned todo = ppp_fsm_step((enum ppp_state)s, rfc[e].event, &got);
            g_assert_cmphex(todo, ==, want);
            g_assert_cmpuint(got, ==, next);
        }
    }
}

/* ---- one automaton that wants nothing and knows one option, 1, whose value is to be 5 ---- */

struct rig {
    struct ppp_fsm f;
    GString *log;
    uint8_t last[PPP_CONTROL_MAX];
    size_t last_len;
};

static void
request(void *owner, struct writer *w)
{
    (void)owner;
    writer_bytes(w, "\x01\x03\x05", 3);
}

static void
begin(void *owner)
{
    (void)owner;
}

static enum ppp_verdict
option(void *owner, uint8_t type, struct reader value, struct writer *nak, bool last)
{
    (void)owner;
    (void)last;
    if (type != 1 || value.left != 1)
        return PPP_REJECT;
    if (value.at[0] == 5)
        return PPP_ACK;
    writer_bytes(nak, "\x01\x03\x05", 3);
    return PPP_NAK;
}

static void
naked(void *owner, uint8_t type, struct reader value)
{
    const struct rig *r = owner;
    g_string_append_printf(r->log, "naked%u:%u ", type, value.left ? value.at[0] : 0);
}

static void
rejected(void *owner, uint8_t type)
{
    const struct rig *r = owner;
    g_string_append_printf(r->log, "rejected%u ", type);
}

static void
up(void *owner, int64_t now_us)
{
    const struct rig *r = owner;
    (void)now_us;
    g_string_append(r->log, "up ");
}

static void
down(void *owner, int64_t now_us)
{
    const struct rig *r = owner;
    (void)now_us;
    g_string_append(r->log, "down ");
}

static void
finished(void *owner, int64_t now_us)
{
    const struct rig *r = owner;
    (void)now_us;
    g_string_append(r->log, "finished ");
}

static void
send(void *owner, struct reader packet, int64_t now_us)
{
    struct rig *r = owner;
    (void)now_us;
    g_string_append_printf(r->log, "%u ", packet.at[0]);
    memcpy(r->last, packet.at, packet.left);
    r->last_len = packet.left;
}

static const struct ppp_fsm_ops ops = {.request = request,
                                       .begin = begin,
                                       .option = option,
                                       .naked = naked,
                                       .rejected = rejected,
                                       .up = up,
                                       .down = down,
                                       .finished = finished,
                                       .send = send};

static void
rig_init(struct rig *r)
{
    *r = (struct rig){.log = g_string_new(NULL)};
    ppp_fsm_init(&r->f, &ops, r);
    ppp_fsm_event(&r->f, PPP_OPEN, 0);
    ppp_fsm_event(&r->f, PPP_UP, 0);
}

/* What happened since the last time. */
static void
expect(struct rig *r, const char *want)
{
    g_strchomp(r->log->str);
    g_assert_cmpstr(r->log->str, ==, want);
    g_string_set_size(r->log, 0);
}

static void
feed(struct rig *r, const char *bytes, size_t len)
{
    ppp_fsm_receive(&r->f, reader_of(bytes, len), 0);
}
#define FEED(r, text) feed(r, text, sizeof(text) - 1)

static void
expect_bytes(const struct rig *r, const char *bytes, size_t len)
{
    g_assert_cmpuint(r->last_len, ==, len);
    g_assert_true(memcmp(r->last, bytes, len) == 0);
}
#define EXPECT_BYTES(r, text) expect_bytes(r, text, sizeof(text) - 1)

static void
ack(struct rig *r)
{
    uint8_t bytes[] = {2, r->f.id, 0, 7, 1, 3, 5};
    ppp_fsm_receive(&r->f, reader_of(bytes, sizeof(bytes)), 0);
}

static void
test_negotiation(void)
{
    struct rig r;
    rig_init(&r);
    expect(&r, "1");

    FEED(&r, "\x01\x09\x00\x07\x01\x03\x06"); /* another value */
    expect(&r, "3");
    EXPECT_BYTES(&r, "\x03\x09\x00\x07\x01\x03\x05");
    FEED(&r, "\x01\x0a\x00\x0a\x01\x03\x06\x02\x03\x01"); /* Reject goes before Nak */
    expect(&r, "4");
    EXPECT_BYTES(&r, "\x04\x0a\x00\x07\x02\x03\x01");
    FEED(&r, "\x01\x0b\x00\x07\x01\x03\x05padding");
    expect(&r, "2");
    EXPECT_BYTES(&r, "\x02\x0b\x00\x07\x01\x03\x05");
    g_assert_cmpint(r.f.state, ==, PPP_ACK_SENT);

    FEED(&r, "\x02\x77\x00\x07\x01\x03\x05"); /* Ack of another one */
    FEED(&r, "\x02\x01\x00\x07\x01\x03\x04"); /* of something else */
    expect(&r, "");
    FEED(&r, "\x03\x01\x00\x07\x01\x03\x09");
    expect(&r, "naked1:9 1");
    FEED(&r, "\x04\x02\x00\x07\x01\x03\x05");
    expect(&r, "rejected1 1");
    ack(&r);
    expect(&r, "up");
    g_assert_cmpint(r.f.state, ==, PPP_OPENED);
    g_assert_cmpint(r.f.deadline_us, ==, 0);

    FEED(&r, "\x01\x0c\x00\x04"); /* it begins anew */
    expect(&r, "down 1 2");
    ack(&r);
    expect(&r, "up");
    FEED(&r, "\x05\x01\x00\x04");
    expect(&r, "down 6");
    ppp_fsm_tick(&r.f, 3 * S);
    expect(&r, "finished");
    g_string_free(r.log, TRUE);
}

static void
test_malformed(void)
{
    struct rig r;
    rig_init(&r);
    expect(&r, "1");
    FEED(&r, "\x01\x01\x00");                 /* no header */
    FEED(&r, "\x01\x01\x00\x03");             /* shorter than itself */
    FEED(&r, "\x01\x01\x00\x08\x01\x03\x05"); /* longer than what came */
    FEED(&r, "\x01\x01\x00\x06\x01\x01");     /* option of one byte */
    FEED(&r, "\x01\x01\x00\x06\x01\x09");     /* option leaves the packet */
    FEED(&r, "\x01\x01\x00\x05\x01");
    FEED(&r, "\x03\x01\x00\x06\x01\x09");
    expect(&r, "");
    FEED(&r, "\x0e\x01\x00\x04"); /* unknown code */
    expect(&r, "7");
    EXPECT_BYTES(&r, "\x07\x01\x00\x08\x0e\x01\x00\x04");
    FEED(&r, "\x07\x01\x00\x08\x01\x01\x00\x04"); /* it knows no Configure-Request */
    expect(&r, "finished");
    g_string_free(r.log, TRUE);
}

static void
test_timers(void)
{
    struct rig r;
    rig_init(&r);
    expect(&r, "1");
    for (unsigned i = 1; i < PPP_FSM_CONFIGURES; i++) {
        g_assert_cmpint(r.f.deadline_us, ==, i * 3 * S);
        ppp_fsm_tick(&r.f, i * 3 * S - 1);
        expect(&r, "");
        ppp_fsm_tick(&r.f, i * 3 * S);
        expect(&r, "1");
    }
    ppp_fsm_tick(&r.f, PPP_FSM_CONFIGURES * 3 * S);
    expect(&r, "finished");
    g_assert_cmpint(r.f.state, ==, PPP_STOPPED);
    g_assert_cmpint(r.f.deadline_us, ==, 0);

    ppp_fsm_event(&r.f, PPP_DOWN, 0);
    ppp_fsm_event(&r.f, PPP_UP, 0);
    expect(&r, "1");
    ppp_fsm_event(&r.f, PPP_CLOSE, 0);
    expect(&r, "5");
    ppp_fsm_tick(&r.f, 3 * S);
    expect(&r, "5");
    ppp_fsm_tick(&r.f, 6 * S);
    expect(&r, "finished");
    g_string_free(r.log, TRUE);
}

static void
test_naks_end(void)
{
    struct rig r;
    rig_init(&r);
    expect(&r, "1");
    for (unsigned i = 0; i < PPP_FSM_NAKS; i++) {
        FEED(&r, "\x01\x09\x00\x07\x01\x03\x06");
        expect(&r, "3");
    }
    FEED(&r, "\x01\x09\x00\x07\x01\x03\x06");
    expect(&r, "4");
    g_string_free(r.log, TRUE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ppp/fsm/table", test_table);
    g_test_add_func("/ppp/fsm/negotiation", test_negotiation);
    g_test_add_func("/ppp/fsm/malformed", test_malformed);
    g_test_add_func("/ppp/fsm/timers", test_timers);
    g_test_add_func("/ppp/fsm/naks-end", test_naks_end);
    return g_test_run();
}
