/** Any value that JSON can hold (RFC 8259). */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };
/** A JSON Schema (draft 2020-12 subset that Ajv and the OpenAI API both read). */
export type JsonSchema = { [key: string]: unknown };
