"""Pharmabot: answers questions about medicines from their leaflets."""
