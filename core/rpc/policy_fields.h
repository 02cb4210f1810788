/* SPDX-License-Identifier: Apache-2.0 */
/* policy_fields.h - a security policy in a call: the policy:* fields. */
#pragma once

#include "core/base/policy.h"
#include "core/rpc/wire/fields.h"

/* What the call does not name keeps its default; numbers out of range are brought into it. */
struct policy policy_fields_in(const struct record *in);
void policy_fields_out(struct record *out, const struct policy *policy);
