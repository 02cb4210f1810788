/* SPDX-License-Identifier: Apache-2.0 */
/* fsm.c - see fsm.h. Section numbers are RFC 1661's. */

#include "core/proto/ppp/fsm.h"

#include <glib.h>

enum { REJECT_ROOM = PPP_CONTROL_MAX - PPP_HEADER };

/* ---- 4.1: the table ---- */

struct cell {
    uint16_t actions;
    uint8_t next;
};

#define X               \
    {                   \
        0, PPP_N_STATES \
    } /* cannot happen: nothing is done */

static const struct cell table[PPP_N_EVENTS][PPP_N_STATES] = {
    [PPP_UP] = {{0, 2}, {PPP_IRC | PPP_SCR, 6}, X, X, X, X, X, X, X, X},
    [PPP_DOWN] = {X, X, {0, 0}, {PPP_TLS, 1}, {0, 0}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {PPP_TLD, 1}},
    [PPP_OPEN] = {{PPP_TLS, 1},
                  {0, 1},
                  {PPP_IRC | PPP_SCR, 6},
                  {0, 3},
                  {0, 5},
                  {0, 5},
                  {0, 6},
                  {0, 7},
                  {0, 8},
                  {0, 9}},
    [PPP_CLOSE] = {{0, 0},
                   {PPP_TLF, 0},
                   {0, 2},
                   {0, 2},
                   {0, 4},
                   {0, 4},
                   {PPP_IRC | PPP_STR, 4},
                   {PPP_IRC | PPP_STR, 4},
                   {PPP_IRC | PPP_STR, 4},
                   {PPP_TLD | PPP_IRC | PPP_STR, 4}},
    [PPP_TO_PLUS] =
        {X, X, X, X, {PPP_STR, 4}, {PPP_STR, 5}, {PPP_SCR, 6}, {PPP_SCR, 6}, {PPP_SCR, 8}, X},
    [PPP_TO_MINUS] =
        {X, X, X, X, {PPP_TLF, 2}, {PPP_TLF, 3}, {PPP_TLF, 3}, {PPP_TLF, 3}, {PPP_TLF, 3}, X},
    [PPP_RCR_PLUS] = {X,
                      X,
                      {PPP_STA, 2},
                      {PPP_IRC | PPP_SCR | PPP_SCA, 8},
                      {0, 4},
                      {0, 5},
                      {PPP_SCA, 8},
                      {PPP_SCA | PPP_TLU, 9},
                      {PPP_SCA, 8},
                      {PPP_TLD | PPP_SCR | PPP_SCA, 8}},
    [PPP_RCR_MINUS] = {X,
                       X,
                       {PPP_STA, 2},
                       {PPP_IRC | PPP_SCR | PPP_SCN, 6},
                       {0, 4},
                       {0, 5},
                       {PPP_SCN, 6},
                       {PPP_SCN, 7},
                       {PPP_SCN, 6},
                       {PPP_TLD | PPP_SCR | PPP_SCN, 6}},
    [PPP_RCA] = {X,
                 X,
                 {PPP_STA, 2},
                 {PPP_STA, 3},
                 {0, 4},
                 {0, 5},
                 {PPP_IRC, 7},
                 {PPP_SCR, 6},
                 {PPP_IRC | PPP_TLU, 9},
                 {PPP_TLD | PPP_SCR, 6}},
    [PPP_RCN] = {X,
                 X,
                 {PPP_STA, 2},
                 {PPP_STA, 3},
                 {0, 4},
                 {0, 5},
                 {PPP_IRC | PPP_SCR, 6},
                 {PPP_SCR, 6},
                 {PPP_IRC | PPP_SCR, 8},
                 {PPP_TLD | PPP_SCR, 6}},
    [PPP_RTR] = {X,
                 X,
                 {PPP_STA, 2},
                 {PPP_STA, 3},
                 {PPP_STA, 4},
                 {PPP_STA, 5},
                 {PPP_STA, 6},
                 {PPP_STA, 6},
                 {PPP_STA, 6},
                 {PPP_TLD | PPP_ZRC | PPP_STA, 5}},
    [PPP_RTA] = {X,
                 X,
                 {0, 2},
                 {0, 3},
                 {PPP_TLF, 2},
                 {PPP_TLF, 3},
                 {0, 6},
                 {0, 6},
                 {0, 8},
                 {PPP_TLD | PPP_SCR, 6}},
    [PPP_RUC] = {X,
                 X,
                 {PPP_SCJ, 2},
                 {PPP_SCJ, 3},
                 {PPP_SCJ, 4},
                 {PPP_SCJ, 5},
                 {PPP_SCJ, 6},
                 {PPP_SCJ, 7},
                 {PPP_SCJ, 8},
                 {PPP_SCJ, 9}},
    [PPP_RXJ_PLUS] = {X, X, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 6}, {0, 8}, {0, 9}},
    [PPP_RXJ_MINUS] = {X,
                       X,
                       {PPP_TLF, 2},
                       {PPP_TLF, 3},
                       {PPP_TLF, 2},
                       {PPP_TLF, 3},
                       {PPP_TLF, 3},
                       {PPP_TLF, 3},
                       {PPP_TLF, 3},
                       {PPP_TLD | PPP_IRC | PPP_STR, 5}},
    [PPP_RXR] = {X, X, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 7}, {0, 8}, {PPP_SER, 9}},
};

unsigned
ppp_fsm_step(enum ppp_state state, enum ppp_event event, enum ppp_state *next)
{
    const struct cell *c = &table[event][state];

    *next = c->next == PPP_N_STATES ? state : (enum ppp_state)c->next;
    return c->actions;
}

/* ---- packets ---- */

void
ppp_write(struct writer *w, uint8_t code, uint8_t id, const void *data, size_t len)
{
    writer_u8(w, code);
    writer_u8(w, id);
    writer_u16(w, (uint16_t)(PPP_HEADER + len));
    writer_bytes(w, data, len);
}

bool
ppp_parse(struct reader packet, uint8_t *code, uint8_t *id, struct reader *data)
{
    *code = reader_u8(&packet);
    *id = reader_u8(&packet);
    size_t len = reader_u16(&packet);

    if (!reader_ok(&packet) || len < PPP_HEADER)
        return false;
    *data = reader_sub(&packet, len - PPP_HEADER);
    return reader_ok(data);
}

void
ppp_fsm_send(struct ppp_fsm *f, uint8_t code, uint8_t id, struct reader data, int64_t now_us)
{
    uint8_t bytes[PPP_CONTROL_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    ppp_write(&w, code, id, data.at, data.left);
    if (writer_ok(&w))
        f->ops->send(f->owner, reader_of(bytes, w.len), now_us);
}

static void
restart_timer(struct ppp_fsm *f, int64_t now_us)
{
    if (f->restarts > 0)
        f->restarts--;
    f->deadline_us = now_us + PPP_FSM_RESTART_MS * INT64_C(1000);
}

static void
send_request(struct ppp_fsm *f, int64_t now_us)
{
    struct writer w = writer_of(f->request, sizeof(f->request));

    f->ops->request(f->owner, &w);
    f->request_len = w.len;
    f->id++;
    restart_timer(f, now_us);
    ppp_fsm_send(f, PPP_CONFIGURE_REQUEST, f->id, reader_of(f->request, f->request_len), now_us);
}

static void
send_terminate(struct ppp_fsm *f, int64_t now_us)
{
    f->id++;
    restart_timer(f, now_us);
    ppp_fsm_send(f, PPP_TERMINATE_REQUEST, f->id, reader_of(NULL, 0), now_us);
}

/* ---- doing what the table says ---- */

/* What the actions send in answer. */
struct answer {
    uint8_t code, id;
    struct reader data;
};

static bool
timer_runs_in(enum ppp_state s)
{
    return s >= PPP_CLOSING && s <= PPP_ACK_SENT; /* 4.1, below the table */
}

static void
act(struct ppp_fsm *f, enum ppp_event event, const struct answer *a, int64_t now_us)
{
    enum ppp_state next = f->state;
    unsigned todo = ppp_fsm_step(f->state, event, &next);
    bool terminates = todo & PPP_STR || next == PPP_CLOSING || next == PPP_STOPPING;

    f->state = next;
    if (todo & PPP_IRC)
        f->restarts = terminates ? PPP_FSM_TERMINATES : PPP_FSM_CONFIGURES;
    if (todo & PPP_ZRC) {
        f->restarts = 0;
        f->deadline_us = now_us + PPP_FSM_RESTART_MS * INT64_C(1000);
    }
    if (todo & PPP_TLD)
        f->ops->down(f->owner, now_us);
    if (todo & PPP_SCR)
        send_request(f, now_us);
    if (todo & PPP_STR)
        send_terminate(f, now_us);
    if (todo & PPP_STA)
        ppp_fsm_send(f, PPP_TERMINATE_ACK, a ? a->id : f->id, reader_of(NULL, 0), now_us);
    else if (todo & (PPP_SCA | PPP_SCN | PPP_SCJ))
        ppp_fsm_send(f, a->code, a->id, a->data, now_us);
    if (!timer_runs_in(f->state))
        f->deadline_us = 0;
    if (todo & PPP_TLU) {
        f->naks = 0;
        f->ops->up(f->owner, now_us);
    }
    if (todo & PPP_TLF)
        f->ops->finished(f->owner, now_us);
}

void
ppp_fsm_init(struct ppp_fsm *f, const struct ppp_fsm_ops *ops, void *owner)
{
    *f = (struct ppp_fsm){.ops = ops, .owner = owner};
}

void
ppp_fsm_event(struct ppp_fsm *f, enum ppp_event event, int64_t now_us)
{
    act(f, event, NULL, now_us);
}

void
ppp_fsm_tick(struct ppp_fsm *f, int64_t now_us)
{
    if (f->deadline_us == 0 || now_us < f->deadline_us)
        return;
    f->deadline_us = 0;
    act(f, f->restarts > 0 ? PPP_TO_PLUS : PPP_TO_MINUS, NULL, now_us);
}

/* ---- requests of the peer ---- */

/* The next option of a list. False at its end, and when it is malformed (the reader has failed). */
static bool
next_option(struct reader *r, uint8_t *type, struct reader *value)
{
    if (r->left == 0)
        return false;
    *type = reader_u8(r);
    size_t len = reader_u8(r);
    if (!reader_ok(r) || len < 2) {
        reader_fail(r);
        return false;
    }
    *value = reader_sub(r, len - 2);
    return reader_ok(value);
}

struct judgement {
    uint8_t nak[REJECT_ROOM], reject[REJECT_ROOM];
    struct writer naks, rejects;
};

static void
judge_option(struct ppp_fsm *f, struct judgement *j, uint8_t type, struct reader value)
{
    bool last = f->naks >= PPP_FSM_NAKS;
    size_t before = j->naks.len;
    enum ppp_verdict v = f->ops->option(f->owner, type, value, &j->naks, last);

    if (v == PPP_NAK && !last)
        return;
    j->naks.len = before;
    if (v == PPP_ACK)
        return;
    writer_u8(&j->rejects, type);
    writer_u8(&j->rejects, (uint8_t)(value.left + 2));
    writer_bytes(&j->rejects, value.at, value.left);
}

static void
receive_request(struct ppp_fsm *f, uint8_t id, struct reader options, int64_t now_us)
{
    struct judgement j;
    struct reader all = options;
    struct reader value;
    uint8_t type = 0;

    if (options.left > REJECT_ROOM)
        return;
    j.naks = writer_of(j.nak, sizeof(j.nak));
    j.rejects = writer_of(j.reject, sizeof(j.reject));
    f->ops->begin(f->owner);
    while (next_option(&options, &type, &value))
        judge_option(f, &j, type, value);
    if (!reader_ok(&options))
        return; /* 5.1: silently */
    if (j.rejects.len == 0 && j.naks.len == 0 && f->ops->missing && f->naks < PPP_FSM_NAKS)
        f->ops->missing(f->owner, &j.naks);

    struct answer a = {PPP_CONFIGURE_ACK, id, all};
    if (j.rejects.len > 0) {
        a = (struct answer){PPP_CONFIGURE_REJECT, id, reader_of(j.reject, j.rejects.len)};
    } else if (j.naks.len > 0) {
        a = (struct answer){PPP_CONFIGURE_NAK, id, reader_of(j.nak, j.naks.len)};
        f->naks++;
    }
    act(f, a.code == PPP_CONFIGURE_ACK ? PPP_RCR_PLUS : PPP_RCR_MINUS, &a, now_us);
}

/* ---- answers of the peer ---- */

static void
receive_ack(struct ppp_fsm *f, uint8_t id, struct reader options, int64_t now_us)
{
    struct answer a = {.id = id};

    if (f->state > PPP_STOPPED &&
        (id != f->id || options.left != f->request_len ||
         (options.left > 0 && memcmp(options.at, f->request, options.left) != 0)))
        return; /* 5.2: silently */
    act(f, PPP_RCA, &a, now_us);
}

static void
receive_nak(struct ppp_fsm *f, uint8_t code, uint8_t id, struct reader options, int64_t now_us)
{
    struct answer a = {.id = id};
    struct reader check = options;
    struct reader value;
    uint8_t type = 0;

    if (f->state > PPP_STOPPED && id != f->id)
        return;
    while (next_option(&check, &type, &value))
        continue;
    if (!reader_ok(&check))
        return;
    /* In other states it is an answer to nothing. */
    bool counts = f->state >= PPP_REQ_SENT;
    while (counts && next_option(&options, &type, &value)) {
        if (code == PPP_CONFIGURE_NAK)
            f->ops->naked(f->owner, type, value);
        else
            f->ops->rejected(f->owner, type);
    }
    act(f, PPP_RCN, &a, now_us);
}

/* 5.6: whether we can live without that code. */
static void
receive_code_reject(struct ppp_fsm *f, struct reader data, int64_t now_us)
{
    uint8_t code = reader_u8(&data);

    act(f, code <= PPP_CODE_REJECT ? PPP_RXJ_MINUS : PPP_RXJ_PLUS, NULL, now_us);
}

static void
receive_unknown(struct ppp_fsm *f, struct reader packet, int64_t now_us)
{
    packet.left = MIN(packet.left, REJECT_ROOM);
    struct answer a = {PPP_CODE_REJECT, ++f->reject_id, packet};

    act(f, PPP_RUC, &a, now_us);
}

void
ppp_fsm_receive(struct ppp_fsm *f, struct reader packet, int64_t now_us)
{
    uint8_t code = 0;
    uint8_t id = 0;
    struct reader data;

    if (!ppp_parse(packet, &code, &id, &data) || f->state <= PPP_STARTING)
        return;
    struct answer a = {.id = id};
    switch (code) {
    case PPP_CONFIGURE_REQUEST:
        receive_request(f, id, data, now_us);
        break;
    case PPP_CONFIGURE_ACK:
        receive_ack(f, id, data, now_us);
        break;
    case PPP_CONFIGURE_NAK:
    case PPP_CONFIGURE_REJECT:
        receive_nak(f, code, id, data, now_us);
        break;
    case PPP_TERMINATE_REQUEST:
        act(f, PPP_RTR, &a, now_us);
        break;
    case PPP_TERMINATE_ACK:
        act(f, PPP_RTA, &a, now_us);
        break;
    case PPP_CODE_REJECT:
        receive_code_reject(f, data, now_us);
        break;
    default:
        if (!f->ops->extra || !f->ops->extra(f->owner, code, id, data, now_us))
            receive_unknown(f, packet, now_us);
        break;
    }
}
