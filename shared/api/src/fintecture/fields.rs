//! Parts of requests that several bodies have: amounts, texts, and the codes of what is wrong with them.
