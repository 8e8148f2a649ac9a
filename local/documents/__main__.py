"""``python -m local.documents``: see ``make help``."""

from local.documents import write

if __name__ == "__main__":
    print("\n".join(f"written: {path}" for path in write()) or "All documents are current.")
