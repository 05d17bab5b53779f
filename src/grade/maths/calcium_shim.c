#include "grade/maths/calcium_shim.h"

#include <calcium/ca.h>
#include <stdlib.h>

struct exact_field {
  ca_ctx_t context;
};
struct exact_value {
  ca_t value;
};

/* A process without memory for a few words cannot go on; FLINT aborts as well. */
static void* must_have(void* memory) {
  if (memory == NULL) abort();
  return memory;
}

exact_field* exact_field_new(void) {
  exact_field* field = (exact_field*)must_have(malloc(sizeof(exact_field)));
  ca_ctx_init(field->context);
  return field;
}
void exact_field_free(exact_field* field) {
  ca_ctx_clear(field->context);
  free(field);
}
exact_value* exact_new(exact_field* field) {
  exact_value* value = (exact_value*)must_have(malloc(sizeof(exact_value)));
  ca_init(value->value, field->context);
  return value;
}
void exact_free(exact_field* field, exact_value* value) {
  ca_clear(value->value, field->context);
  free(value);
}

void exact_set_fraction(exact_field* field, exact_value* value, const fmpq* fraction) {
  ca_set_fmpq(value->value, fraction, field->context);
}
void exact_set_constant(exact_field* field, exact_value* value, exact_constant constant) {
  switch (constant) {
    case EXACT_PI:
      ca_pi(value->value, field->context);
      break;
    case EXACT_E:
      ca_one(value->value, field->context);
      ca_exp(value->value, value->value, field->context);
      break;
    case EXACT_I:
      ca_i(value->value, field->context);
      break;
  }
}

void exact_combine(exact_field* field, exact_operation operation, exact_value* left, exact_value* right) {
  ca_struct* out = left->value;
  switch (operation) {
    case EXACT_ADD:
      ca_add(out, out, right->value, field->context);
      break;
    case EXACT_MULTIPLY:
      ca_mul(out, out, right->value, field->context);
      break;
    case EXACT_DIVIDE:
      ca_div(out, out, right->value, field->context);
      break;
    case EXACT_POWER:
      ca_pow(out, out, right->value, field->context);
      break;
  }
}

static void apply_trigonometry(exact_field* field, exact_function function, ca_struct* x) {
  ca_t sine;
  ca_t cosine;
  ca_init(sine, field->context);
  ca_init(cosine, field->context);
  ca_sin_cos(sine, cosine, x, field->context);
  if (function == EXACT_SIN) ca_set(x, sine, field->context);
  if (function == EXACT_COS) ca_set(x, cosine, field->context);
  if (function == EXACT_TAN) ca_div(x, sine, cosine, field->context);
  ca_clear(sine, field->context);
  ca_clear(cosine, field->context);
}

void exact_apply(exact_field* field, exact_function function, exact_value* value) {
  ca_struct* x = value->value;
  switch (function) {
    case EXACT_NEGATE:
      ca_neg(x, x, field->context);
      break;
    case EXACT_INVERT:
      ca_inv(x, x, field->context);
      break;
    case EXACT_SQRT:
      ca_sqrt(x, x, field->context);
      break;
    case EXACT_EXP:
      ca_exp(x, x, field->context);
      break;
    case EXACT_LOG:
      ca_log(x, x, field->context);
      break;
    case EXACT_SIN:
    case EXACT_COS:
    case EXACT_TAN:
      apply_trigonometry(field, function, x);
      break;
    case EXACT_ASIN:
      ca_asin(x, x, field->context);
      break;
    case EXACT_ACOS:
      ca_acos(x, x, field->context);
      break;
    case EXACT_ATAN:
      ca_atan(x, x, field->context);
      break;
    case EXACT_ABS:
      ca_abs(x, x, field->context);
      break;
    case EXACT_FLOOR:
      ca_floor(x, x, field->context);
      break;
    case EXACT_CEIL:
      ca_ceil(x, x, field->context);
      break;
  }
}

static exact_answer answer_of(truth_t truth) {
  return truth == T_TRUE ? EXACT_YES : truth == T_FALSE ? EXACT_NO : EXACT_UNKNOWN;
}

int exact_is_special(exact_field* field, exact_value* value) {
  (void)field;
  return CA_IS_SPECIAL(value->value);
}
exact_answer exact_is_negative(exact_field* field, exact_value* value) {
  return answer_of(ca_check_is_negative_real(value->value, field->context));
}
exact_answer exact_equal(exact_field* field, exact_value* a, exact_value* b) {
  return answer_of(ca_check_equal(a->value, b->value, field->context));
}
